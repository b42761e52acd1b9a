"""Removes movement that undoes itself: reshapes to the shape that is there, permutes in order,
pairs that cancel.

Movement that nothing reads goes too.
"""

from __future__ import annotations

from dataclasses import replace

from neurosim.ir.graph import Edge, Graph, Node
from neurosim.passes._rewrite import substituted

KEEPS = "every value; all counts (movement counts nothing)"


def tidy_movement(graph: Graph) -> Graph:
    """Until nothing is left to remove."""
    from neurosim.ops import build

    while True:
        step = next((new for n in graph.nodes if (new := _simpler(graph, n)) is not None), None)
        if step is None:
            return graph
        graph = build(step)


def _simpler(graph: Graph, node: Node) -> Graph | None:
    if node.op not in ("reshape", "permute") or node.inputs[0].delay:
        return None
    if not graph.consumers[node.name] and node.name not in graph.outputs:
        return substituted(graph, {node.name: ()})
    source = graph[node.inputs[0].node]
    if _identity(node, source) and node.name not in graph.outputs:
        return substituted(graph, {node.name: ()}, {node.name: source.name})
    if source.op != node.op or source.inputs[0].delay:
        return None
    joined = replace(node, inputs=(Edge(source.inputs[0].node),), attrs=_joined(node, source))
    return substituted(graph, {node.name: (joined,)}) if joined.inputs != node.inputs else None


def _identity(node: Node, source: Node) -> bool:
    if node.op == "reshape":
        return tuple(node.attrs["shape"]) == source.value.shape
    return tuple(node.attrs["order"]) == tuple(range(len(node.attrs["order"])))


def _joined(node: Node, source: Node) -> dict[str, object]:
    if node.op == "reshape":
        return dict(node.attrs)
    return {"order": tuple(source.attrs["order"][i] for i in node.attrs["order"])}
