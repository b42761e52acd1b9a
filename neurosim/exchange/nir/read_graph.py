"""``from_nir``: a NIR graph → our Graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from neurosim import ops
from neurosim.errors import GraphError, NirError
from neurosim.exchange.nir.delays import recurrent_delays
from neurosim.exchange.nir.entry import entry_of, input_node, input_shape
from neurosim.exchange.nir.how import How, how_of
from neurosim.exchange.nir.inline import Flat, inline
from neurosim.exchange.nir.layers_in import Place, delay_steps, nodes_of
from neurosim.exchange.nir.neuron_in import FIRING
from neurosim.exchange.nir.objects import from_object
from neurosim.exchange.nir.read import read_file
from neurosim.exchange.nir.record import ours, told
from neurosim.exchange.nir.shapes import shapes_of
from neurosim.exchange.nir.source import SOURCES
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.types import ValueType, integers

STEPS = 16  # of a graph whose file says nothing; a run takes its clip's


def from_nir(
    graph: Any,
    *,
    source: str | None = None,
    dt: float | None = None,
    steps: int | None = None,
    kind: str | None = None,
    input_shape: tuple[int, ...] | None = None,
    name: str | None = None,
    nodes: Mapping[str, Mapping[str, Any]] | None = None,
    **equation: Any,
) -> Graph:
    """Any NIR graph as our Graph, ready for ``ns.simulate``, ``ns.lower`` and ``ns.price``.

    ``graph``: the path of a ``.nir`` file, or a ``nir.NIRGraph``. ``source``: the framework that
    wrote it, whose step the neurons get (``exchange.nir.source``: nir, norse, snntorch,
    spikingjelly, sinabs, sinabs_sum, lava; None: what ``ns.to_nir`` left in the file, else "nir").
    ``dt``: seconds a step (None: the file's metadata, else the source's own). ``equation``: fields
    of every firing neuron that the exporter did not write, such as ``reset="subtract",
    reset_at="after"`` or ``fires=">="`` (see ``ns.ops.Neuron``); ``nodes``: the same for single
    nodes, by name. ``kind``: of the clip, "real", "spike" or "graded". ``input_shape``: without the
    sample axis, where the Input's is wrong. ``steps``: T that the dense figures are for.

    Several edges into a node are summed; a bias that is 0 everywhere is none; a recurrent edge
    carries one step (``exchange.nir.delays``).

    Raises NirError: a file that is none, and everything that cannot be imported, listed at once.
    UnknownName: a source that does not exist.
    """
    program = read_file(graph) if isinstance(graph, (str, Path)) else from_object(graph)
    said = ours(program.metadata, "the graph") if source is None else {}
    how = how_of(program.metadata, source, dt, said, equation, nodes or {})
    stem = Path(graph).stem if isinstance(graph, (str, Path)) else "nir"
    label = str(name or said.get("model") or stem)
    asked = _Asked(steps, kind, input_shape, label)
    try:
        return _Reading(inline(program), how, said, asked).graph()
    except NirError as error:
        said_already = str(error).startswith(label)
        raise (error if said_already else NirError(f"{label}: {error}")) from None
    except (GraphError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        found = " ".join(str(error).split())[:200]
        raise NirError(f"{label}: {found}; mend the graph, or export it anew") from None


@dataclass(frozen=True)
class _Asked:
    steps: int | None
    kind: str | None
    shape: tuple[int, ...] | None
    name: str


class _Reading:
    """One graph on its way."""

    def __init__(self, flat: Flat, how: How, said: Mapping[str, Any], asked: _Asked) -> None:
        self.flat, self.how, self.said, self.asked = flat, how, said, asked
        self.steps = asked.steps or _count(said.get("steps"), STEPS)
        self.problems: list[str] = []
        self.params: dict[str, np.ndarray] = {}
        self.nodes: list[Node] = []
        self.sums: dict[tuple[Edge, ...], str] = {}
        self.cut: set[str] = set()  # Delay nodes of a step or more

    def graph(self) -> Graph:
        """The graph. Raises NirError with everything that is wrong."""
        entry = entry_of(self.flat)
        lost = sorted(set(self.how.nodes) - set(self.flat.nodes))
        if lost:
            raise NirError(f"nodes: there is no {', '.join(map(repr, lost))}; check the names")
        start = input_shape(self.flat, entry, self.asked.shape)
        shapes, self.problems = shapes_of(self.flat, {entry: start})
        for name in [n for n in self.flat.nodes if n not in shapes]:
            kind = self.flat.nodes[name].kind
            self.problems.append(f"at {name!r} ({kind}): nothing leads there from the Input")
        self._check()
        delays = self._delays()
        kept = self.flat.nodes[entry] if self.how.ours else None
        self.nodes.append(input_node(entry, shapes[entry], self.asked.kind, self.steps, kept))
        for name in self._ordered(delays):
            self._add(name, delays, shapes)
        self._check()
        outputs = self._outputs(delays)
        guessed = self._guesses(shapes)
        meta = {
            "model": self.asked.name,
            "kind": self.nodes[0].attrs["kind"],
            "input_layout": ["T", "B", *["X"] * len(shapes[entry])],
            "nir": {"source": self.how.source.name, "dt": self.how.dt},
            "notes": (self._note(),),
        }
        samples = _count(self.said.get("samples"), 1)
        pipeline = ("from_nir",)
        return ops.build(Graph(guessed, self.params, outputs, self.steps, samples, pipeline, meta))

    def _note(self) -> str:
        """How the neurons were read, for every report."""
        if self.said:
            return "read from NIR that neurosim wrote"
        step = "no dt" if self.how.dt is None else f"dt {self.how.dt:g} s"
        changed = "".join(f", {k}={v}" for k, v in self.how.changes.items())
        for node, changes in self.how.nodes.items():
            changed += "".join(f", {k}={v} at {node}" for k, v in changes.items())
        return f"neurons read from NIR as {self.how.source.name} writes them, {step}{changed}"

    def _delays(self) -> dict[tuple[str, str], int]:
        for name in self.flat.of_kind("Delay"):
            try:
                if delay_steps(self.flat.nodes[name], self.how.step).min() > 0:
                    self.cut.add(name)
            except NirError as error:
                self.problems.append(f"at {name!r} (Delay): {error}")
        known = {(a, b): int(k) for a, b, k in self.said.get("delays", ())}
        found: dict[tuple[str, str], int] = {}
        try:
            found = recurrent_delays(self.flat, self.cut, known)
        except NirError as error:
            self.problems.append(str(error))
        self._check()
        return found

    def _ordered(self, delays: Mapping[tuple[str, str], int]) -> list[str]:
        """Nodes but the Input and the Outputs, after what they read in the same step."""
        place = {n: i for i, n in enumerate(self.flat.nodes)}
        net = nx.DiGraph()
        net.add_nodes_from(self.flat.nodes)
        net.add_edges_from(e for e in self.flat.edges if not delays.get(e) and e[1] not in self.cut)
        order = nx.lexicographical_topological_sort(net, key=place.__getitem__)
        return [n for n in order if self.flat.nodes[n].kind not in ("Input", "Output")]

    def _add(
        self, name: str, delays: Mapping[tuple[str, str], int], shapes: Mapping[str, Any]
    ) -> None:
        node, before = self.flat.nodes[name], self.flat.before(name)
        wrong = {shapes[b] for b in before} if len({shapes[b] for b in before}) > 1 else None
        try:
            if wrong:
                raise NirError(f"sums values of different shapes {sorted(wrong)}")
            place = Place(
                name, self._operand(name, delays), shapes[before[0]], shapes[name],
                self.how.at(name), self.params,
            )  # fmt: skip
            self.nodes += nodes_of(node, place)
        except NirError as error:
            self.problems.append(f"at {name!r} ({node.kind}): {error}")

    def _operand(self, name: str, delays: Mapping[tuple[str, str], int]) -> Edge:
        """What a node reads: the sum of all edges that lead to it, each sum made once."""
        first, *rest = [Edge(b, delays.get((b, name), 0)) for b in self.flat.before(name)]
        key: tuple[Edge, ...] = (first,)
        for edge in rest:
            key = (*key, edge)
            if key not in self.sums:
                taken = {n.name for n in self.nodes} | set(self.flat.nodes)
                self.sums[key] = made = _free(f"{name}.add", taken)
                self.nodes.append(Node(made, "add", (first, edge)))
            first = Edge(self.sums[key])
        return first

    def _outputs(self, delays: Mapping[tuple[str, str], int]) -> tuple[str, ...]:
        ends = self.flat.of_kind("Output")
        order = [n for n in self.said.get("outputs", ()) if n in ends]
        ends = [*order, *(n for n in ends if n not in order)]
        found = [self._operand(n, delays).node for n in ends]
        found = found or [n for n in self.flat.nodes if not self.flat.after(n)]
        if not found:
            raise NirError("no Output and no node at the end; add a nir.Output")
        return tuple(dict.fromkeys(found))

    def _guesses(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Node, ...]:
        """Types of what is read a step later, before anything is known of it."""
        later = {e.node for n in self.nodes for e in n.inputs if e.delay}
        return tuple(
            replace(n, type=self._guess(n, shapes[n.name]))
            if n.name in later and n.name in shapes
            else n
            for n in self.nodes
        )

    def _guess(self, node: Node, shape: tuple[int, ...]) -> ValueType:
        fires = node.name in self.flat.nodes and self.flat.nodes[node.name].kind in FIRING
        return integers(shape, self.steps, 0, 1) if fires else ValueType(shape, self.steps)

    def _check(self) -> None:
        if not self.problems:
            return
        needs_dt = any("how long a step is" in p for p in self.problems)
        remedy = "mend these, or export it anew"
        if needs_dt:
            remedy = f"give dt in seconds, and the source ({', '.join(SOURCES)})"
        elif any("too long for its" in p for p in self.problems):
            remedy = f"give the dt and source ({', '.join(SOURCES)}) that it was written with"
        raise told(self.problems, self.asked.name, remedy)


def _count(value: Any, default: int) -> int:
    return value if isinstance(value, int) and value > 0 else default


def _free(name: str, taken: set[str]) -> str:
    number, free = 0, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
