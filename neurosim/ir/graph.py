"""The program: a frozen, verified graph of operators over values with a time axis.

An edge may carry a delay of k steps; a cycle is legal when its total delay is at least 1. Node
order is a topological order of the undelayed edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.facts import NodeFacts
from neurosim.ir.types import ValueType

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Edge:
    """An operand: the value of ``node``, ``delay`` steps ago (``initial`` names a parameter held
    before step 0)."""

    node: str
    delay: int = 0
    initial: str = ""  # parameter key; "" means zeros

    def __str__(self) -> str:
        return self.node if not self.delay else f"{self.node}[t-{self.delay}]"


@dataclass(frozen=True)
class Node:
    """One operator applied once. ``attrs`` is JSON-ready; ``params`` maps a role (weight, bias, …)
    to a key of ``Graph.params``, so that two nodes with tied weights share one array."""

    name: str
    op: str
    inputs: tuple[Edge, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    type: ValueType | None = None
    facts: NodeFacts | None = None
    source: str = ""  # file:line in the user's code

    @cached_property
    def value(self) -> ValueType:
        """The inferred type. Raises GraphError before inference."""
        if self.type is None:
            raise GraphError(
                f"node {self.name!r} ({self.op}) has no type yet; build the graph with ops.build"
            )
        return self.type

    @cached_property
    def known(self) -> NodeFacts:
        """The inferred facts. Raises GraphError before inference."""
        if self.facts is None:
            raise GraphError(
                f"node {self.name!r} ({self.op}) has no facts yet; build the graph with ops.build"
            )
        return self.facts


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in order, the arrays they share, and the names of what the model returned.

    ``steps``: T of the captured clip; ``samples``: B of it (dense_macs are reported for that clip).
    ``pipeline``: the passes applied since capture. ``meta``: model name, declared clip kind,
    source.
    """

    nodes: tuple[Node, ...]
    params: Mapping[str, np.ndarray]
    outputs: tuple[str, ...]
    steps: int
    samples: int = 1
    pipeline: tuple[str, ...] = ("capture",)
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        verify(self)

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Nodes by name."""
        return {n.name: n for n in self.nodes}

    def __getitem__(self, name: str) -> Node:
        return self.by_name[name]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def consumers(self) -> dict[str, tuple[Node, ...]]:
        """For each node, the nodes that read it (once per operand)."""
        found: dict[str, list[Node]] = {n.name: [] for n in self.nodes}
        for node in self.nodes:
            for edge in node.inputs:
                found[edge.node].append(node)
        return {k: tuple(v) for k, v in found.items()}

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The clip."""
        return tuple(n for n in self.nodes if n.op == "input")

    def neurons(self) -> tuple[Node, ...]:
        """Neuron nodes, in order."""
        return tuple(n for n in self.nodes if n.facts is not None and n.facts.role == "neuron")

    def dense_macs(self) -> dict[str, int]:
        """MACs of the captured forward: all samples and steps, padding included, bias excluded."""
        return {n.name: n.known.dense_macs * self.samples for n in self.nodes if n.known.dense_macs}

    def facts(self) -> dict[str, NodeFacts]:
        """Facts of every node, in order."""
        return {n.name: n.known for n in self.nodes}

    def with_nodes(self, nodes: tuple[Node, ...], **changes: Any) -> Graph:
        """A copy with other nodes (and other fields, by keyword)."""
        return replace(self, nodes=nodes, **changes)

    def after(self, pipeline: tuple[str, ...], name: str) -> Graph:
        """A copy whose pipeline is ``pipeline`` and then ``name``."""
        return replace(self, pipeline=(*pipeline, name))

    def save(self, path: str | Path) -> Path:
        """Write one file (JSON and arrays, no pickle), whole or not at all. Raises StoreError."""
        from neurosim.ir.store import save_graph

        return save_graph(self, path)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Nodes with op, type and facts; edges with delay and operand position."""
        import networkx as nx

        out = cast(Any, nx).MultiDiGraph(steps=self.steps, pipeline=self.pipeline)
        for node in self.nodes:
            out.add_node(node.name, op=node.op, type=str(node.type), facts=node.facts)
        for node in self.nodes:
            for position, edge in enumerate(node.inputs):
                out.add_edge(edge.node, node.name, delay=edge.delay, operand=position)
        return out

    def __str__(self) -> str:
        from neurosim.ir.text import print_graph

        return print_graph(self)


def verify(graph: Graph) -> None:
    """Raise GraphError unless names, operands, order, parameters and outputs are consistent."""
    seen: set[str] = set()
    names = {n.name for n in graph.nodes}
    for node in graph.nodes:
        if node.name in seen:
            raise GraphError(f"two nodes are called {node.name!r}")
        for edge in node.inputs:
            _verify_edge(node, edge, seen, names)
            if edge.initial and edge.initial not in graph.params:
                raise GraphError(
                    f"node {node.name!r}: initial value {edge.initial!r} is not stored"
                )
        for role, key in node.params.items():
            if key not in graph.params:
                raise GraphError(f"node {node.name!r}: {role} {key!r} is not stored")
        seen.add(node.name)
    missing = [o for o in graph.outputs if o not in names]
    if missing:
        raise GraphError(f"outputs {missing} are not nodes")


def _verify_edge(node: Node, edge: Edge, seen: set[str], names: set[str]) -> None:
    if edge.node not in names:
        raise GraphError(f"node {node.name!r} reads {edge.node!r}, which does not exist")
    if edge.delay < 0:
        raise GraphError(f"node {node.name!r} reads the future of {edge.node!r}")
    if edge.delay == 0 and edge.node not in seen:
        raise GraphError(
            f"node {node.name!r} reads {edge.node!r} before it is computed (cycle without delay?)"
        )
