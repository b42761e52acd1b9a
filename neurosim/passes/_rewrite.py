"""Small moves that passes share: substitute nodes, add parameters, drop what is no longer used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from neurosim.ir.graph import Graph, Node


def rename_operand(node: Node, old: str, new: str) -> Node:
    """The node reading ``new`` where it read ``old``."""
    edges = tuple(replace(e, node=new) if e.node == old else e for e in node.inputs)
    return replace(node, inputs=edges)


def substituted(
    graph: Graph,
    new: Mapping[str, tuple[Node, ...]],
    renames: Mapping[str, str] | None = None,
    params: Mapping[str, np.ndarray] | None = None,
) -> Graph:
    """``new``: node name → nodes that take its place (none: it goes). ``renames``: operand name →
    the one to read now; outputs follow. Unused parameters are dropped."""
    renames = renames or {}
    nodes: list[Node] = []
    for node in graph.nodes:
        for n in new.get(node.name, (node,)):
            nodes.append(_reading(n, renames))
    outputs = tuple(_final(o, renames) for o in graph.outputs)
    meta = renamed_meta(graph.meta, {o: _final(o, renames) for o in graph.outputs})
    merged = {**graph.params, **(params or {})}
    used = {k for n in nodes for k in n.params.values()} | {
        e.initial for n in nodes for e in n.inputs if e.initial
    }
    kept = {k: v for k, v in merged.items() if k in used}
    return replace(graph, nodes=ordered(nodes), params=kept, outputs=outputs, meta=meta)


def _reading(node: Node, renames: Mapping[str, str]) -> Node:
    if not any(e.node in renames for e in node.inputs):
        return node
    edges = tuple(replace(e, node=_final(e.node, renames)) for e in node.inputs)
    return replace(node, inputs=edges)


def _final(name: str, renames: Mapping[str, str]) -> str:
    while name in renames:
        name = renames[name]
    return name


def renamed_meta(meta: Mapping[str, object], renames: Mapping[str, str]) -> dict[str, object]:
    """``Graph.meta`` with output nodes under their new names."""

    def walk(nest: object) -> object:
        if isinstance(nest, Mapping):
            if "node" in nest:
                return {**nest, "node": renames.get(nest["node"], nest["node"])}
            return {k: walk(v) for k, v in nest.items()}
        if isinstance(nest, (list, tuple)):
            return [walk(v) for v in nest]
        return nest

    return {k: walk(v) if k == "outputs" else v for k, v in meta.items()}


def ordered(nodes: list[Node]) -> tuple[Node, ...]:
    """A topological order of the undelayed edges, as near to the given one as it can be."""
    by_name = {n.name: n for n in nodes}
    done: dict[str, None] = {}

    def visit(node: Node) -> None:
        stack = [(node, iter([e.node for e in node.inputs if not e.delay]))]
        while stack:
            current, operands = stack[-1]
            following = next((o for o in operands if o not in done), None)
            if following is None:
                done.setdefault(current.name)
                stack.pop()
            else:
                reached = by_name[following]
                stack.append((reached, iter([e.node for e in reached.inputs if not e.delay])))

    for node in nodes:
        if node.name not in done:
            visit(node)
    return tuple(by_name[n] for n in done)


def read_instead(graph: Graph, old: str, new: str) -> Graph:
    """Every reader of ``old`` but ``new`` reads ``new``; outputs follow."""
    readers = {n.name: (rename_operand(n, old, new),) for n in graph.nodes if n.name != new}
    outputs = tuple(new if o == old else o for o in graph.outputs)
    return substituted(
        replace(graph, outputs=outputs, meta=renamed_meta(graph.meta, {old: new})), readers
    )


def free_name(graph: Graph, name: str) -> str:
    """``name``, or with a number where a node is called so already."""
    taken, i, found = graph.by_name, 1, name
    while found in taken:
        found, i = f"{name}_{i}", i + 1
    return found


def only_reader(graph: Graph, node: Node) -> Node | None:
    """The one node that reads ``node``, undelayed, when nothing else does and it is not an
    output."""
    readers = graph.consumers[node.name]
    if len(readers) != 1 or node.name in graph.outputs:
        return None
    (reader,) = readers
    return reader if all(not e.delay for e in reader.inputs if e.node == node.name) else None


def array(graph: Graph, node: Node, role: str) -> np.ndarray | None:
    """A parameter of a node."""
    key = node.params.get(role)
    return None if key is None else graph.params[key]
