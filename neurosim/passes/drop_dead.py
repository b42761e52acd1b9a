"""Drops nodes that no output depends on."""

from __future__ import annotations

from neurosim.ir.graph import Graph
from neurosim.passes._rewrite import substituted

KEEPS = "spikes of live neurons, outputs, every count of live nodes"


def drop_dead(graph: Graph) -> Graph:
    """The clip stays even when nothing reads it."""
    alive: set[str] = set()
    stack = [*graph.outputs, *(n.name for n in graph.inputs)]
    while stack:
        name = stack.pop()
        if name not in alive:
            alive.add(name)
            stack.extend(e.node for e in graph[name].inputs)
    return substituted(graph, {n.name: () for n in graph.nodes if n.name not in alive})
