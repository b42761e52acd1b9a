"""What all operators with weights share: fan-out counting, memory words, kinds (counting rules,
sections 3 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.ir.types import Kind, ValueType
from neurosim.ops._value import Value, total


def event_counts(
    value: Value,
    fan_out: Any,
    zero_fan_out: Any,
    existing: int,
    out_elements: int,
    bias: bool,
    out_steps: int,
) -> dict[str, Any]:
    """Counts of a weight node.

    ``fan_out(units) -> int64 (steps, samples)`` contracts active elements (or |n|) with the fan-out
    map;
    ``zero_fan_out()`` does the same with the map of weights that are exactly 0. ``existing``: Σ
    fan-out of one slice.
    Words of the outputs end with the last source step (a convolution over time has more or fewer
    steps than its source).
    """
    t = value.type
    shape = (value.steps, value.samples)
    bias_words = out_elements if bias else 0
    per_out: Any = 1  # output steps of each source step
    if out_steps != value.steps:
        ones = np.ones((out_steps, value.samples), np.int64)
        per_out = _add_steps(np.zeros(shape, np.int64), ones)
    counts: dict[str, Any] = {"add": per_out * bias_words}
    if t.discrete:
        name = "synapse" if t.kind is Kind.SPIKE else "graded_synapse"
        events = fan_out(False)
        counts[name] = events
        if t.kind is Kind.GRADED:
            counts["graded_unit"] = fan_out(True)
        counts["synapse_zero"] = zero_fan_out()
        words = events
        counts["state_read"] = events
        counts["state_write"] = events
        counts["activation_read"] = value.active_total()
        counts["activation_write"] = per_out * 0
    else:
        if t.masked:
            words = fan_out(False)
            counts["masked_mac"] = words
        else:
            words = counts["mac"] = existing
        counts["activation_read"] = words
        counts["activation_write"] = per_out * out_elements
    counts["weight_read"] = words + per_out * bias_words
    return counts


def _add_steps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum of two (steps, samples) arrays whose number of steps may differ (the last step takes the
    rest)."""
    if a.shape == b.shape:
        return a + b
    out = a.copy()
    n = min(len(a), len(b))
    out[len(a) - n :] += b[len(b) - n :]
    if len(b) > n:
        out[-1] += b[: len(b) - n].sum(axis=0)
    return out


def contract(sums: np.ndarray, maps: list[np.ndarray], factor: int) -> np.ndarray:
    """Σ over the trailing axes of sums × maps[0] ⊗ maps[1] ⊗ … × factor, exact in float64 below
    2^53.

    ``sums``: (steps, samples, groups, *spatial); groups are summed.
    """
    flat = sums.sum(axis=2) if sums.ndim > 2 else sums
    result = flat.astype(np.float64)
    for fan in reversed(maps):
        result = result @ fan.astype(np.float64)
    return total(result * factor)


def expected(sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Expected numbers (steps, samples, *shape) times a map of one slice, summed over it."""
    return total((sums * targets).sum(axis=tuple(range(2, sums.ndim))))


def weight_facts(
    weight: np.ndarray, bias: bool, key: str, arrays: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Fields of NodeFacts that every weight node has."""
    return {
        "weight_shape": tuple(weight.shape),
        "weight_key": key,
        "weight_bits": weight.dtype.itemsize * 8,
        "weight_zeros": int(weight.size - np.count_nonzero(weight)),
        "bias": bias,
        "parameters": sum(int(a.size) for a in arrays.values()),
    }


def real_like(t: ValueType, *shape: int) -> ValueType:
    """What weights make of any operand."""
    return ValueType(tuple(shape), t.steps)
