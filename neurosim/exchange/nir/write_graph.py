"""``to_nir``: our Graph → a NIR graph."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx

from neurosim.errors import NirError
from neurosim.exchange.nir.delay_lines import found_in
from neurosim.exchange.nir.layers_out import chain_of, convolution, delay, same
from neurosim.exchange.nir.objects import package, to_object
from neurosim.exchange.nir.record import OURS, Primitive, Program
from neurosim.exchange.nir.unsink import unsunk
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.passes.drop_dead import drop_dead

DT = 1e-4  # seconds a step where nobody says: what snnTorch, SpikingJelly and Lava's NIR take


def to_nir(
    graph: Graph,
    path: str | Path | None = None,
    *,
    dt: float | None = None,
    outputs: Sequence[str] | None = None,
) -> Any:
    """The graph as a ``nir.NIRGraph``, and in the file ``path``; ``ns.from_nir`` reads it back with
    the same spikes and counts.

    ``dt``: seconds a step, which turns decays into time constants (None: what the graph was
    imported with, else 1e-4). ``outputs``: nodes to end at, where NIR has no word for what comes
    after (a mean over time). Whatever NIR has no word for but a neuron needs (>= or >, how and
    when it resets, which comes first, dt) is in the metadata; other readers know the fields alone.
    Read the file elsewhere with ``nir.read(path, type_check=False)`` where it has grouped or
    non-square convolutions: NIR's own check is wrong for them. A batch norm is no NIR word: lower
    the graph first; a norm or bias that lowering kept in a neuron goes back into the weights in
    front of it (``exchange.nir.unsink``), which changes what is counted as an addition.

    Raises NirError: everything that NIR cannot say, listed at once; or ``nir`` is not installed.
    StoreError: the file cannot be written.
    """
    imported = graph.meta.get("nir", {}).get("dt")
    step = dt if dt is not None else imported if imported is not None else DT
    if not (isinstance(step, (int, float)) and 0 < step < float("inf")):
        raise NirError(f"dt is {step!r}; give seconds a step, such as 1e-4")
    nir = package()
    part = graph if outputs is None else _part(graph, outputs)
    found = to_object(_Writing(unsunk(part), float(step)).program())
    if path is not None:
        from neurosim.ir.store import write_atomically

        buffer = io.BytesIO()
        nir.write(buffer, found)
        write_atomically(path, buffer.getvalue())
    return found


def _part(graph: Graph, outputs: Sequence[str]) -> Graph:
    """What the nodes called ``outputs`` depend on."""
    lost = [name for name in outputs if name not in graph.by_name]
    if lost or not outputs:
        raise NirError(f"outputs: there is no {', '.join(map(repr, lost)) or 'name'}; name nodes")
    meta = {k: v for k, v in graph.meta.items() if k != "outputs"}
    return drop_dead(replace(graph, outputs=tuple(outputs), meta=meta))


class _Writing:
    """One graph on its way: primitives by name, edges, and where each of our nodes begins and
    ends."""

    def __init__(self, graph: Graph, dt: float) -> None:
        self.graph, self.dt = graph, dt
        self.nodes: dict[str, Primitive] = {}
        self.edges: dict[tuple[str, str], None] = {}
        self.begins: dict[str, str] = {}
        self.ends: dict[str, str] = {}
        self.delays: list[list[Any]] = []
        self.problems: dict[str, list[str]] = defaultdict(list)
        self.pads = {n.name: c for n in graph.nodes if (c := self._padded(n)) is not None}
        self.loops = self._loops()
        self.lines = found_in(graph)
        self.inner = frozenset(n for line in self.lines.values() for n in line.inner)

    def program(self) -> Program:
        """The whole. Raises NirError with everything that cannot be said."""
        if len(self.graph.inputs) != 1:
            raise NirError(f"a graph with {len(self.graph.inputs)} clips; NIR's readers take one")
        for node in self.graph.nodes:
            self._node(node)
        if self.problems:
            raise NirError(self._complaint())
        for node in self.graph.nodes:
            self._wire(node)
        outputs = [self._output(i, name) for i, name in enumerate(self.graph.outputs)]
        return Program(self.nodes, tuple(self.edges), self._metadata(outputs))

    def _metadata(self, outputs: list[str]) -> dict[str, Any]:
        said = {
            "dt": self.dt, "steps": self.graph.steps, "samples": self.graph.samples,
            "model": str(self.graph.meta.get("model", "")), "delays": self.delays,
            "outputs": outputs,
        }  # fmt: skip
        return {OURS: json.dumps(said), "dt": self.dt}

    def _complaint(self) -> str:
        listed = (f"{why}: {', '.join(names)}" for why, names in self.problems.items())
        norms = any(why.startswith("batch_norm") for why in self.problems)
        hint = "; ns.lower(graph) folds norms" if norms else ""
        remedy = "take these out, or end before them with outputs="
        return f"NIR has no word for {'; '.join(listed)}{hint}; {remedy}"

    # what becomes of each node

    def _node(self, node: Node) -> None:
        try:
            if any(e.initial for e in node.inputs):
                raise NirError("a value before step 0 that is not 0")
            if node.name in self.pads or node.name in self.inner:
                return
            if node.op == "add" and self._add(node):
                return
            self._put(node.name, self._chain(node))
        except NirError as error:
            said = str(error)
            self.problems[f"{node.op} ({said})" if said else node.op].append(repr(node.name))

    def _chain(self, node: Node) -> list[tuple[str, Primitive]]:
        if node.op == "add":
            return [("", same(node.value.shape))]
        if node.name in self.lines:
            return [("", Primitive("Delay", {"delay": self.lines[node.name].steps * self.dt}))]
        source = node.inputs[0].node if node.inputs else ""
        if source in self.pads:
            return self._with_pad(self.graph[source], node)
        return chain_of(self.graph, node, self.dt)

    def _put(self, name: str, chain: list[tuple[str, Primitive]]) -> None:
        for i, (suffix, primitive) in enumerate(chain):
            made = self._free(name + suffix)
            self.nodes[made] = primitive
            if i:
                self._edge(self.ends[name], made)
            self.begins.setdefault(name, made)
            self.ends[name] = made

    def _free(self, name: str) -> str:
        plain = name.replace("/", "|").strip(".") or "node"
        number, free = 0, plain
        while free in self.nodes:
            number += 1
            free = f"{plain}_{number}"
        return free

    def _add(self, node: Node) -> bool:
        """Whether an addition is nothing but several edges into its reader. Raises NirError."""
        if node.attrs.get("subtract"):
            raise NirError("a difference")
        a, b = (self.graph[e.node].value.shape for e in node.inputs)
        if a != b:
            raise NirError("of values of different shapes")
        readers = self.graph.consumers[node.name]
        if len(readers) != 1 or node.name in self.graph.outputs:
            return False
        place = [e.node for e in readers[0].inputs].index(node.name)
        edge = readers[0].inputs[place]
        return not edge.delay and place == 0 and edge.node not in self.pads

    def _dissolved(self, name: str) -> bool:
        return self.graph[name].op == "add" and name not in self.begins

    def _padded(self, node: Node) -> Node | None:
        """The convolution that takes a pad of zeros in; None where it has to stand alone."""
        a, readers = node.attrs, self.graph.consumers[node.name]
        if node.op != "pad" or len(readers) != 1 or readers[0].op != "convolution":
            return None
        zeros = a["mode"] == "constant" and not a.get("value")
        spatial = not a["before"][0] and not a["after"][0]
        whole = all(n >= 0 for n in (*a["before"], *a["after"]))
        plain = not readers[0].inputs[0].delay and node.name not in self.graph.outputs
        return readers[0] if zeros and spatial and whole and plain else None

    def _with_pad(self, pad: Node, node: Node) -> list[tuple[str, Primitive]]:
        own = node.attrs["padding"]
        before = tuple(p + b for p, b in zip(own, pad.attrs["before"][1:], strict=True))
        after = tuple(p + a for p, a in zip(own, pad.attrs["after"][1:], strict=True))
        shape = self.graph[pad.inputs[0].node].value.shape
        return convolution(self.graph, node, before, after, shape)

    # how they are joined

    def _wire(self, node: Node) -> None:
        if node.name not in self.begins:
            return
        line = self.lines.get(node.name)
        waits = line is None and self.nodes[self.begins[node.name]].kind == "Delay"
        for edge in node.inputs if line is None else (line.operand,):
            for source in self._sources(edge):
                here = Edge(source.node) if waits else source
                self._join(here, self.begins[node.name], self.loops[node.name])

    def _sources(self, edge: Edge) -> list[Edge]:
        """The nodes behind an operand: through additions and pads that are none in NIR."""
        if edge.node in self.pads or self._dissolved(edge.node):
            return [s for e in self.graph[edge.node].inputs for s in self._sources(e)]
        return [edge]

    def _join(self, edge: Edge, target: str, loop: int) -> None:
        source = self.ends[edge.node]
        if edge.delay == 1 and self.loops[edge.node] == loop:
            self.delays.append([source, target, 1])
        elif edge.delay:
            source = self._delayed(edge, source)
        if (source, target) in self.edges:
            again = self._free(f"{source}.again")
            self.nodes[again] = same(self.graph[edge.node].value.shape)
            self._edge(source, again)
            source = again
        self._edge(source, target)

    def _delayed(self, edge: Edge, source: str) -> str:
        name = f"{source}.delay{edge.delay}"
        if name not in self.nodes:
            self.nodes[name] = delay(self.graph[edge.node].value.shape, edge.delay, self.dt)
            self._edge(source, name)
        return name

    def _edge(self, source: str, target: str) -> None:
        self.edges[source, target] = None

    def _output(self, number: int, name: str) -> str:
        made = self._free("output" if not number else f"output_{number}")
        shape = self.graph[name].value.shape
        self.nodes[made] = Primitive("Output", {"shape": _array(shape)})
        self._edge(self.ends[name], made)
        return made

    def _loops(self) -> dict[str, int]:
        """Node → the number of the cycle it is in (a node alone has its own)."""
        net = nx.DiGraph()
        net.add_nodes_from(n.name for n in self.graph.nodes)
        net.add_edges_from((e.node, n.name) for n in self.graph.nodes for e in n.inputs)
        parts = nx.strongly_connected_components(net)
        return {name: i for i, part in enumerate(parts) for name in part}


def _array(shape: tuple[int, ...]) -> Any:
    import numpy as np

    return np.array(shape, dtype=np.int64)
