"""A Delay whose elements wait differently long: laid out as movement nodes, and found again.

Elements of equal delay are taken out of the flattened value, read that many steps late, joined and
put back in their order: flat → one index per delay → concat → index → reshape. None of them counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.exchange.nir.place import Place
from neurosim.ir.graph import Edge, Graph, Node


def laid_out(steps: np.ndarray, place: Place) -> list[Node]:
    """The nodes of a delay of ``steps`` (int64, the value's shape), the last one named as it."""
    least = int(steps.min())  # all wait so long: a loop through the delay is cut in front of it
    source = Edge(place.operand.node, place.operand.delay + least)
    name = f"{place.name}.flat"
    flat = place.node("reshape", {"shape": (steps.size,)}, operand=source, name=name)
    nodes, order = [flat], []
    for k in np.unique(steps - least):
        order.append(np.flatnonzero(steps.reshape(-1) - least == k))
        late = Edge(flat.name, int(k))
        name = f"{place.name}.after{int(k)}"
        nodes.append(place.node("index", {"axis": 0}, {"places": order[-1]}, late, name))
    parts = tuple(Edge(n.name) for n in nodes[1:])
    joined = Node(f"{place.name}.joined", "concat", parts, {"axis": 0})
    places = {"places": np.argsort(np.concatenate(order))}
    back = place.node("index", {"axis": 0}, places, Edge(joined.name), f"{place.name}.back")
    last = place.node("reshape", {"shape": place.after}, operand=Edge(back.name))
    return [*nodes, joined, back, last]


@dataclass(frozen=True, eq=False)
class DelayLine:
    """``inner``: the nodes between the operand and the last one."""

    operand: Edge
    steps: np.ndarray
    inner: frozenset[str]


def found_in(graph: Graph) -> dict[str, DelayLine]:
    """Name of the last node → the delay that it and its inner nodes make up."""
    lines = ((n.name, _line(graph, n)) for n in graph.nodes if n.op == "reshape")
    return {name: line for name, line in lines if line is not None}


def _line(graph: Graph, last: Node) -> DelayLine | None:
    back = _behind(graph, last, "index")
    joined = _behind(graph, back, "concat") if back is not None else None
    if back is None or joined is None:
        return None
    parts = [graph[e.node] for e in joined.inputs]
    sources = {p.inputs[0].node for p in parts if p.op == "index"}
    alone = all(len(graph.consumers[n.name]) == 1 for n in (back, joined, *parts))
    if not alone or len(sources) != 1 or any(p.op != "index" for p in parts):
        return None
    flat = graph[sources.pop()]
    steps = _steps(graph, back, parts)
    if flat.op != "reshape" or steps is None or len(graph.consumers[flat.name]) != len(parts):
        return None
    if graph[flat.inputs[0].node].value.shape != last.value.shape:
        return None
    inner = frozenset(n.name for n in (flat, *parts, joined, back))
    if inner & set(graph.outputs):
        return None
    (source,) = flat.inputs
    return DelayLine(Edge(source.node), (steps + source.delay).reshape(last.value.shape), inner)


def _behind(graph: Graph, node: Node, op: str) -> Node | None:
    edge = node.inputs[0]
    return graph[edge.node] if graph[edge.node].op == op and not edge.delay else None


def _steps(graph: Graph, back: Node, parts: list[Node]) -> np.ndarray | None:
    """Steps of each element, where the last index puts every element back to its place."""
    places = [graph.params[p.params["places"]] for p in parts]
    joined = np.concatenate(places)
    if not np.array_equal(joined[graph.params[back.params["places"]]], np.arange(joined.size)):
        return None
    steps = np.empty(joined.size, np.int64)
    for part, where in zip(parts, places, strict=True):
        steps[where] = part.inputs[0].delay
    return steps
