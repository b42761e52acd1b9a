"""In which order nodes run, and which of them only together, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from neurosim.ir.graph import Graph, Node


@dataclass(frozen=True)
class Unit:
    """One node, or the nodes of one delayed cycle in order (run together, step by step)."""

    nodes: tuple[Node, ...]

    @cached_property
    def cycle(self) -> bool:
        """Whether an edge leads back into the unit."""
        names = {n.name for n in self.nodes}
        return any(e.delay and e.node in names for n in self.nodes for e in n.inputs)


def units(graph: Graph) -> tuple[Unit, ...]:
    """Strongly connected components in topological order; ties in graph order."""
    order = {n.name: i for i, n in enumerate(graph.nodes)}
    if all(order[e.node] < i for i, n in enumerate(graph.nodes) for e in n.inputs):
        return tuple(Unit((node,)) for node in graph.nodes)
    return _components(graph, order)


def _components(graph: Graph, order: dict[str, int]) -> tuple[Unit, ...]:
    import networkx as nx  # of 13 MB, for loops alone

    net = cast(Any, nx).DiGraph()
    net.add_nodes_from(order)
    net.add_edges_from((e.node, n.name) for n in graph.nodes for e in n.inputs)
    parts: list[set[str]] = list(nx.strongly_connected_components(net))
    lead = {name: min(order[m] for m in part) for part in parts for name in part}
    by_lead = {min(order[m] for m in part): part for part in parts}
    line = cast(Any, nx).DiGraph()
    line.add_nodes_from(by_lead)
    line.add_edges_from((lead[a], lead[b]) for a, b in net.edges if lead[a] != lead[b])
    ordered: list[int] = list(nx.lexicographical_topological_sort(line))
    return tuple(
        Unit(tuple(graph.nodes[i] for i in sorted(order[m] for m in by_lead[k]))) for k in ordered
    )
