"""Graphs inside a graph, written out flat: ``sub.lif`` is the node ``lif`` of the graph ``sub``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from neurosim.errors import NirError
from neurosim.exchange.nir.record import Primitive, Program


@dataclass(frozen=True, eq=False)
class Flat:
    """Primitives and edges without nesting."""

    nodes: dict[str, Primitive]
    edges: tuple[tuple[str, str], ...]

    @cached_property
    def _before(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for a, b in self.edges:
            found.setdefault(b, []).append(a)
        return found

    @cached_property
    def _after(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for a, b in self.edges:
            found.setdefault(a, []).append(b)
        return found

    def before(self, name: str) -> list[str]:
        """Nodes that feed ``name``, in the order of the edges."""
        return self._before.get(name, [])

    def after(self, name: str) -> list[str]:
        """Nodes that ``name`` feeds."""
        return self._after.get(name, [])

    def of_kind(self, kind: str) -> list[str]:
        """Names of the nodes of one kind, in order."""
        return [name for name, node in self.nodes.items() if node.kind == kind]


def inline(program: Program) -> Flat:
    """The graph without nesting. Raises NirError: edges to nowhere, twice, or into a graph that has
    several ways in or out (an edge cannot say which)."""
    nodes: dict[str, Primitive] = {}
    edges: list[tuple[str, str]] = []
    _write(program, "", nodes, edges)
    twice = sorted({e for e in edges if edges.count(e) > 1}) if len(set(edges)) < len(edges) else []
    if twice:
        listed = ", ".join(f"{a} → {b}" for a, b in twice)
        raise NirError(f"edges that are there twice: {listed}; remove one of each")
    return _without_doors(Flat(nodes, tuple(edges)))


def _write(
    program: Program, prefix: str, nodes: dict[str, Primitive], edges: list[tuple[str, str]]
) -> None:
    for name, node in program.nodes.items():
        full = prefix + name
        if isinstance(node, Program):
            _write(node, f"{full}.", nodes, edges)
        elif full in nodes:
            raise NirError(f"two nodes are called {full!r}; rename one")
        else:
            nodes[full] = node
    for a, b in program.edges:
        edges.append(
            (_end(program, a, "Output", prefix, (a, b)), _end(program, b, "Input", prefix, (a, b)))
        )


def _end(program: Program, name: str, door: str, prefix: str, edge: tuple[str, str]) -> str:
    """The node behind one end of an edge; of a graph, its Input or its Output."""
    if name not in program.nodes:
        at = f" in {prefix[:-1]!r}" if prefix else ""
        raise NirError(f"edge {edge[0]} → {edge[1]}{at}: there is no node {name!r}; mend the edges")
    full, node = prefix + name, program.nodes[name]
    while isinstance(node, Program):
        doors = [
            n
            for n, inner in node.nodes.items()
            if isinstance(inner, Primitive) and inner.kind == door
        ]
        if len(doors) != 1:
            raise NirError(
                f"edge {edge[0]} → {edge[1]}: the graph {full!r} has {len(doors)} {door} nodes, "
                "and an edge cannot say which; give it one"
            )
        full, node = f"{full}.{doors[0]}", node.nodes[doors[0]]
    return full


def _without_doors(flat: Flat) -> Flat:
    """Inner Inputs and Outputs joined through: those with something on both sides."""
    for kind in ("Input", "Output"):
        for name in flat.of_kind(kind):
            before, after = flat.before(name), flat.after(name)
            if before and after:
                flat = _joined(flat, name, before, after)
    return flat


def _joined(flat: Flat, name: str, before: list[str], after: list[str]) -> Flat:
    edges: list[tuple[str, str]] = []
    for a, b in flat.edges:
        if b == name:
            continue
        edges += [(p, b) for p in before] if a == name else [(a, b)]
    unique = tuple(dict.fromkeys(edges))
    return Flat({k: v for k, v in flat.nodes.items() if k != name}, unique)
