"""Arithmetic outside weights and neurons, per output element (counting rules, sections 6, 7)."""

from __future__ import annotations

Events = dict[str, int]

# op → (add, multiply, compare, special) for each output element
PER_ELEMENT = {
    "residual": (1, 0, 0, 0),
    "bias": (1, 0, 0, 0),
    "batch_norm": (1, 1, 0, 0),
    "layer_norm": (3, 2, 0, 0),
    "group_norm": (3, 2, 0, 0),
    "sigmoid": (0, 0, 0, 1),
    "tanh": (0, 0, 0, 1),
    "gelu": (0, 0, 0, 1),
    "movement": (0, 0, 0, 0),
}
NAMES = ("add", "multiply", "compare", "special")


def elementwise(op: str, elements: int, groups: int = 0) -> Events:
    """``elements`` output elements; layer and group norm add one special for each of ``groups``."""
    total: Events = {name: 0 for name in NAMES}
    for _ in range(elements):
        for name, number in zip(NAMES, PER_ELEMENT[op], strict=True):
            total[name] += number
    total["special"] += groups
    return total


def average_pool(elements: int, window: int) -> Events:
    """k additions and one multiplication for each output element, k the elements of the window."""
    return {"add": elements * window, "multiply": elements, "compare": 0, "special": 0}


def max_pool(elements: int, window: int) -> Events:
    """k − 1 comparisons for each output element."""
    return {"add": 0, "multiply": 0, "compare": elements * (window - 1), "special": 0}


def softmax(rows: int, length: int) -> Events:
    """For each row: L − 1 comparisons, 2L − 1 additions, 2L special."""
    return {
        "add": rows * (2 * length - 1),
        "multiply": 0,
        "compare": rows * (length - 1),
        "special": rows * 2 * length,
    }


def other_memory(elements_in: int, elements_out: int, parameters: int = 0) -> Events:
    """Memory words of a node that is neither weights, product nor neuron (section 7, last row)."""
    return {
        "weight_read": parameters,
        "state_read": 0,
        "state_write": 0,
        "activation_read": elements_in,
        "activation_write": elements_out,
    }
