"""Moves batch norms up through reshapes and permutes, to the node whose values they scale.

permute∘norm = norm∘permute with the channel axis renamed; a reshape that keeps the channel axis
whole likewise.
"""

from __future__ import annotations

import math
from dataclasses import replace

from neurosim.ir.graph import Edge, Graph, Node
from neurosim.passes._rewrite import only_reader, read_instead, substituted

KEEPS = "every value but the moved one; all counts"


def hoist_norms(graph: Graph) -> Graph:
    """Until nothing moves any more."""
    while True:
        found = next((pair for n in graph.nodes if (pair := _swap(graph, n)) is not None), None)
        if found is None:
            return graph
        graph = found


def _swap(graph: Graph, norm: Node) -> Graph | None:
    if norm.op != "batch_norm" or norm.inputs[0].delay:
        return None
    move = graph[norm.inputs[0].node]
    if (
        move.op not in ("reshape", "permute")
        or move.inputs[0].delay
        or only_reader(graph, move) is not norm
    ):
        return None
    axis = _axis_before(graph, move, norm.attrs["axis"])
    if axis is None:
        return None
    above = graph[move.inputs[0].node].value.real()
    up = replace(norm, inputs=move.inputs, attrs={**norm.attrs, "axis": axis}, type=above)
    down = replace(move, inputs=(Edge(norm.name),))
    swapped = substituted(graph, {move.name: (), norm.name: (up, down)}, {})
    return read_instead(swapped, norm.name, move.name)


def _axis_before(graph: Graph, move: Node, axis: int) -> int | None:
    before = graph[move.inputs[0].node].value.shape
    if move.op == "permute":
        return move.attrs["order"][axis]
    after = tuple(move.attrs["shape"])
    lead = math.prod(after[:axis])
    for i, size in enumerate(before):
        if size == after[axis] and math.prod(before[:i]) == lead:
            return i
    return None
