"""Where arrival masks are needed, and how much memory a step takes."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple
from weakref import WeakKeyDictionary

from neurosim.ir.graph import Graph, Node
from neurosim.ir.order import Unit, units
from neurosim.ir.types import Kind
from neurosim.ops import get

EVENTS_A_NODE = 9  # upper estimate, to size the table of counts


def needs_arrival(graph: Graph) -> frozenset[str]:
    """REAL values whose arrival mask decides which neurons count as active (counting rules, section
    5)."""
    needed: set[str] = set()
    changed = True
    while changed:
        changed = False
        for node in reversed(graph.nodes):
            stops = get(node.op).role in ("weights", "product", "input") or node.name not in needed
            if node.op != "neuron" and stops:
                continue
            for edge in node.inputs:
                if edge.node not in needed and not graph[edge.node].value.discrete:
                    needed.add(edge.node)
                    changed = True
    return frozenset(needed)


class Readers(NamedTuple):
    """Layers that read a neuron's spikes, and the order of axes in memory that they walk over."""

    nodes: tuple[Node, ...]
    order: tuple[int, ...]


def event_readers(graph: Graph, keep: frozenset[str]) -> dict[str, Readers]:
    """Neurons whose spikes are read by layers with weights alone, and not kept."""
    found: dict[str, Readers] = {}
    for node in graph.nodes:
        readers, axes = graph.consumers[node.name], range(len(node.value.shape))
        spikes = node.op == "neuron" and node.value.kind is Kind.SPIKE and node.value.uniform
        if not spikes or node.value.scale != 1.0 or node.name in keep or not readers:
            continue
        nodes = tuple(readers)
        if all(r.op == "linear" and not r.inputs[0].delay for r in readers):
            found[node.name] = Readers(nodes, tuple(axes))
        elif all(r.op == "convolution" and not r.inputs[0].delay for r in readers):
            found[node.name] = Readers(nodes, (*axes[1:], 0))
    return found


MAKES = ("convolution", "linear", "matmul", "affine", "add")  # memory that nobody else holds
REUSES = ("affine", "add", "neuron")  # element by element


def overwritten(graph: Graph, keep: frozenset[str], plan: tuple[Unit, ...]) -> dict[str, int]:
    """Node → its operand whose memory may take the result: a REAL value that this node alone reads,
    once, in the step in which it is made."""
    loops = {node.name for unit in plan if unit.cycle for node in unit.nodes}
    reads = Counter(edge.node for node in graph.nodes for edge in node.inputs)
    found: dict[str, int] = {}
    for node in graph.nodes:
        for k, edge in enumerate(node.inputs):
            source = graph[edge.node]
            alone = reads[source.name] == 1 and source.name not in keep
            same = (source.value.shape, source.value.steps) == (node.value.shape, node.value.steps)
            made = source.op in MAKES and (source.op != "affine" or bool(source.params))
            fits = made and same and node.op in REUSES and not edge.delay
            if (
                fits
                and alone
                and not source.value.discrete
                and not loops & {node.name, source.name}
            ):
                found[node.name] = k
    return found


def deferred(graph: Graph, overwritten: dict[str, int]) -> frozenset[str]:
    """Affines of which an add alone reads, and may overwrite, what they make: it can do them on its
    way."""
    sources = {
        graph[name].inputs[k].node for name, k in overwritten.items() if graph[name].op == "add"
    }
    affines = (graph[name] for name in sources & overwritten.keys())
    return frozenset(node.name for node in affines if node.op == "affine")


def simple(graph: Graph, plan: tuple[Unit, ...]) -> frozenset[str]:
    """Nodes that turn what steps their operands have into as many: no loop, no clip value, no
    earlier step, no look at several."""
    found: set[str] = set()
    for unit in plan:
        node = unit.nodes[0]
        sequences = all(graph[e.node].value.steps is not None and not e.delay for e in node.inputs)
        at_once = get(node.op).time != "clipwise" and node.op not in ("input", "constant")
        if not unit.cycle and node.inputs and sequences and at_once:
            found.add(node.name)
    return frozenset(found)


class Line(NamedTuple):
    """An operand that a node takes from outside its loop: its place, its source, and whether it is
    a sequence of steps."""

    node: str
    place: int
    source: str
    sequence: bool
    into_loop: bool


def lines(graph: Graph, plan: tuple[Unit, ...]) -> tuple[Line, ...]:
    """Every operand but those from inside a loop, in the order of the units."""
    found: list[Line] = []
    for unit in plan:
        inside = {n.name for n in unit.nodes} if unit.cycle else set[str]()
        for node in unit.nodes:
            for k, edge in enumerate(node.inputs):
                if edge.node not in inside:
                    sequence = graph[edge.node].value.steps is not None
                    found.append(Line(node.name, k, edge.node, sequence, bool(unit.cycle)))
    return tuple(found)


class Schedule(NamedTuple):
    """Units in order, the operands between them, REAL values whose arrival is needed, neurons that
    may emit bits, operands that may be overwritten, affines that an add takes along, and simple
    nodes."""

    units: tuple[Unit, ...]
    lines: tuple[Line, ...]
    needed: frozenset[str]
    readers: dict[str, Readers]
    overwritten: dict[str, int]
    deferred: frozenset[str]
    simple: frozenset[str]


_made: WeakKeyDictionary[Graph, dict[frozenset[str], Schedule]] = WeakKeyDictionary()


def schedule(graph: Graph, keep: frozenset[str]) -> Schedule:
    """Made once for a graph and what is kept of a run."""
    made = _made.setdefault(graph, {})
    if keep not in made:
        plan, readers = units(graph), event_readers(graph, keep)
        own = overwritten(graph, keep, plan)
        made[keep] = Schedule(
            plan,
            lines(graph, plan),
            needs_arrival(graph),
            readers,
            own,
            deferred(graph, own),
            simple(graph, plan),
        )
    return made[keep]


def budget(graph: Graph) -> int:
    """Bytes of the values alive at once: little where steps can pass through in small chunks."""
    whole = any(get(n.op).time == "clipwise" and n.op != "time_reduce" for n in graph.nodes)
    return (256 if whole else 24) * 2**20


_peaks: WeakKeyDictionary[Graph, int] = WeakKeyDictionary()


def bytes_per_step(graph: Graph, samples: int) -> int:
    """Peak of the float32 values alive at once, for one step, while nodes run in order (clip values
    left out)."""
    if graph not in _peaks:
        _peaks[graph] = _peak(graph)
    return samples * _peaks[graph]


def _peak(graph: Graph) -> int:
    last = {e.node: i for i, n in enumerate(graph.nodes) for e in n.inputs}
    own = schedule(graph, frozenset(graph.outputs)).overwritten
    lies: dict[str, str] = {}  # whose memory holds the value
    for i, node in enumerate(graph.nodes):
        source = node.inputs[own[node.name]].node if node.name in own else node.name
        lies[node.name] = place = lies.get(source, source)
        last[place] = max(last.get(place, i), last.get(node.name, i))
    views = {"reshape", "permute", "slice", "expand"}
    sizes = {
        n.name: 4 * n.value.size if n.value.steps is not None and n.op not in views else 0
        for n in graph.nodes
    }
    alive, peak = 0, 1
    ends: dict[int, list[str]] = {}
    for name in set(lies.values()):
        ends.setdefault(last[name], []).append(name)
    for i, node in enumerate(graph.nodes):
        alive += sizes[node.name] if lies[node.name] == node.name else 0
        peak = max(peak, alive + sizes[node.name] // 4)
        alive -= sum(sizes[name] for name in ends.get(i, ()))
    return peak
