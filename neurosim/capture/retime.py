"""Moves a delay from behind an operator to before it, where the model ran it on the step before.

``w(z[t−1])`` written in a loop leaves records at steps 0 … T−2, since its first run, on the
constant start, is no record. Read as ``w(z)[t−1]`` it would run once more, on the last step's
spikes, and count events that the model never had. Only operators that turn zeros into zeros (or
into the bias that stands there before the first step) are moved, so no value changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from torch import Tensor

from neurosim.capture.fold import Folded, Operand
from neurosim.capture.loops import Id

_SILENT = ("linear", "convolution", "matmul", "multiply", "reshape", "permute", "slice", "expand")


def retime(nodes: list[Folded], kept: Iterable[Id], steps: int) -> None:
    """In place, until nothing moves any more. ``kept``: nodes that the model returns."""
    kept = set(kept)
    while any(_move(node, nodes, kept, steps) for node in nodes):
        pass


def _move(node: Folded, nodes: list[Folded], kept: set[Id], steps: int) -> bool:
    readers = _readers(nodes)[node.id]
    if not node.folded or len(node.records) != steps - 1 or node.id in kept or not readers:
        return False
    by_id = {n.id: n for n in nodes}
    sequences = [o for o in node.operands if _is_sequence(by_id[o.node])]
    late = all(o.delay == 1 for o in readers) and all(o.initial is None for o in sequences)
    if not (late and sequences and node.op in (*_SILENT, "affine") and _starts(node, readers)):
        return False
    if any(o.node == node.id for o in node.operands):
        return False
    for operand in readers:
        operand.delay, operand.initial = 0, None
    for operand in sequences:
        operand.delay += 1
    node.records = [*node.records, node.records[-1]]  # it runs at every step now
    return True


def _readers(nodes: list[Folded]) -> dict[Id, list[Operand]]:
    found: dict[Id, list[Operand]] = defaultdict(list)
    for node in nodes:
        for operand in node.operands:
            found[operand.node].append(operand)
    return found


def _is_sequence(node: Folded) -> bool:
    return node.folded or any(role == "T" for dim in node.dims for role, _ in dim)


def _starts(node: Folded, readers: list[Operand]) -> bool:
    """Whether what stands before the first step is what the operator makes of zeros."""
    bias = node.params.get("bias")
    return all(_equals(o.initial, bias, node.op) for o in readers)


def _equals(initial: Tensor | None, bias: Tensor | None, op: str) -> bool:
    if bias is None or not bool(bias.any()):
        return initial is None or not bool(initial.any())
    if initial is None or op not in ("linear", "affine"):
        return False
    try:
        return bool((initial == bias).all()) and initial.numel() >= bias.numel()
    except RuntimeError:
        return False
