"""Which parameters are synaptic weights."""

from __future__ import annotations

from neurosim.ir.graph import Graph, Node

_OPS = ("convolution", "temporal_convolution", "linear")


def weight_nodes(graph: Graph) -> dict[str, Node]:
    """Key of every synaptic weight → the first node that holds it; a shared weight comes once."""
    found: dict[str, Node] = {}
    for node in graph.nodes:
        if node.op in _OPS:
            found.setdefault(node.params["weight"], node)
    return found
