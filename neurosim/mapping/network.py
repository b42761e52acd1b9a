"""What of a graph lives on a chip: populations of compartments, and the layers of synapses between
them. Prices decide what a chip can do; this file decides where it belongs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.ir.facts import NodeFacts
from neurosim.ir.graph import Graph, Node
from neurosim.mapping.origins import Origin, Origins
from neurosim.mapping.reach import Reach, reach_of

NOBODY = -1


@dataclass(frozen=True)
class Population:
    """Compartments that one node needs. kind: neuron, input (elements of an event clip that are
    neurons of the chip), or sums (accumulators whose sums the host reads).
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    late: int = 0  # steps behind the clip: one for each layer of synapses on the way

    @property
    def size(self) -> int:
        """Compartments."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class Layer:
    """The synapses of one node with weights. ``sources``: the populations whose events it reads,
    with the element of the population behind each input element. ``homes``: the populations whose
    compartments its outputs are added to, with the compartment of each output element (-1: another
    population's).
    """

    name: str
    facts: NodeFacts
    reach: Reach
    sources: tuple[Origin, ...]
    homes: tuple[tuple[str, np.ndarray], ...]


@dataclass(frozen=True, eq=False)
class Network:
    """``on_host``: nodes whose work the host does. ``crossings``: node → elements that cross
    between chip and host in each step. ``guesses``: see ``Origins``.
    """

    populations: dict[str, Population]
    layers: dict[str, Layer]
    on_host: tuple[str, ...]
    crossings: dict[str, int]
    guesses: tuple[str, ...]


def network_of(graph: Graph, encodings: Mapping[str, str], input_neurons: bool) -> Network:
    """Populations in the order of the graph, and the layers between them. ``encodings``: of the
    nodes whose synapses the chip holds.
    """
    origins = Origins(graph)
    chosen = [n for n in graph.nodes if n.name in encodings]
    populations = {
        n.name: Population(n.name, n.known.out_shape, _kind(n))
        for n in graph.nodes
        if _kind(n) == "neuron" or (_kind(n) == "input" and input_neurons)
    }
    homes = _homes(graph, origins, chosen)
    layers: dict[str, Layer] = {}
    for node in chosen:
        sums = _left(node, homes[node.name])
        if sums is not None:
            populations[node.name] = Population(node.name, node.known.out_shape, "sums")
            homes[node.name].append((node.name, sums))
        sources = tuple(o for o in origins.of_operand(node) if o.source in populations)
        reach = reach_of(node, graph.params, encodings[node.name])
        layers[node.name] = Layer(node.name, node.known, reach, sources, tuple(homes[node.name]))
    ordered = {n.name: populations[n.name] for n in graph.nodes if n.name in populations}
    late = _lateness(graph, ordered, layers, origins)
    dated = {k: Population(p.name, p.shape, p.kind, late[k]) for k, p in ordered.items()}
    host = tuple(n.name for n in graph.nodes if _is_work(n) and n.name not in layers)
    crossings = _crossings(graph, set(dated) | set(layers), set(host))
    return Network(dated, layers, host, crossings, tuple(dict.fromkeys(origins.guesses)))


def _kind(node: Node) -> str:
    facts = node.known
    if facts.role == "neuron" and not (node.attrs.get("emit", "spike") == "v" and facts.steps == 0):
        return "neuron"
    return "input" if facts.role == "input" and facts.out_kind != "real" else ""


def _is_work(node: Node) -> bool:
    return node.known.role in ("weights", "product", "arithmetic", "opaque")


Homes = dict[str, list[tuple[str, np.ndarray]]]


def _homes(graph: Graph, origins: Origins, chosen: list[Node]) -> Homes:
    """For each layer, the first neurons that each of its outputs reaches: synapses are stored once;
    what is passed on from there (a residual sum) is the host's arithmetic, as it is billed.
    """
    taken = {n.name: np.zeros(math.prod(n.known.out_shape), bool) for n in chosen}
    homes: Homes = {n.name: [] for n in chosen}
    for node in graph.neurons():
        for origin in origins.of_operand(node):
            if origin.source not in taken or taken[origin.source].all():
                continue
            home = np.full(len(taken[origin.source]), NOBODY, np.int32)
            known = np.flatnonzero(origin.index >= 0)
            home[origin.index[known]] = known
            home[taken[origin.source]] = NOBODY
            if (home >= 0).any():
                taken[origin.source] |= home >= 0
                homes[origin.source].append((node.name, home))
    return homes


def _left(node: Node, homes: list[tuple[str, np.ndarray]]) -> np.ndarray | None:
    """Compartments of its own for the outputs that reach no neuron directly."""
    size = math.prod(node.known.out_shape)
    taken = np.zeros(size, bool)
    for _, home in homes:
        taken |= home >= 0
    if taken.all():
        return None
    return np.where(taken, NOBODY, np.arange(size)).astype(np.int32)


def _lateness(
    graph: Graph, populations: dict[str, Population], layers: dict[str, Layer], origins: Origins
) -> dict[str, int]:
    """Steps that each population lags: a spike of step t is added up in t and seen in t + 1, unless
    the graph holds that step of delay already. What the host makes of events is one step late too.
    """
    late = dict.fromkeys(populations, 0)
    made: dict[str, int] = {}  # by node, of the values that it makes
    for node in graph.nodes:
        found = 0
        for edge in node.inputs:
            before = late.get(edge.node, made.get(edge.node, 0))
            found = max(found, before + int(edge.node in layers) - edge.delay)
        made[node.name] = found + int(_asks_host(node, layers))
        if node.name in populations and populations[node.name].kind != "sums":
            late[node.name] = found
        elif node.name in populations:
            late[node.name] = found + 1
    return late


def _asks_host(node: Node, layers: dict[str, Layer]) -> bool:
    """Whether events leave the chip to be multiplied elsewhere."""
    facts = node.known
    works = facts.role in ("weights", "product") and node.name not in layers
    return works and any(kind != "real" for kind in facts.in_kinds)


def _crossings(graph: Graph, chip: set[str], host: set[str]) -> dict[str, int]:
    """Values made on one side and read on the other, in elements a step."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        here = node.name in chip
        if not here and node.name not in host and node.known.role != "input":
            continue
        readers = _readers(graph, node)
        if any((r.name in host) if here else (r.name in chip) for r in readers):
            found[node.name] = math.prod(node.known.out_shape)
    return found


def _readers(graph: Graph, node: Node) -> list[Node]:
    """Nodes that read a value, movement passed through."""
    found: list[Node] = []
    for reader in graph.consumers[node.name]:
        movement = reader.known.role == "movement"
        found += _readers(graph, reader) if movement else [reader]
    return found
