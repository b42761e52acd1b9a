"""Which edges carry a step: NIR draws a recurrent connection as a cycle and says no delay.

A cycle in steps needs one. The frameworks hand a layer its own spikes of the step before
(snnTorch's RLeaky, NIRTorch's executor), so: in a cycle, an edge that leaves a neuron and leads to
neurons that come no later (in order from the Input) carries one step. A ``Delay`` of a step or more
already cuts its cycle. What ``to_nir`` wrote names its edges in the metadata.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

import networkx as nx

from neurosim.errors import NirError
from neurosim.exchange.nir.inline import Flat
from neurosim.exchange.nir.neuron_in import NEURONS

Edge = tuple[str, str]


def recurrent_delays(
    flat: Flat, cut: Collection[str], known: Mapping[Edge, int] | None = None
) -> dict[Edge, int]:
    """Edge → steps, for the edges that carry any. ``cut``: Delay nodes of a step or more;
    ``known``: edges whose delay is written down. Raises NirError: a cycle that no rule cuts."""
    found = {e: k for e, k in (known or {}).items() if e in set(flat.edges)}
    order = _order(flat)
    net = nx.DiGraph()
    net.add_nodes_from(flat.nodes)
    net.add_edges_from(e for e in flat.edges if e not in found and e[1] not in cut)
    problems: list[str] = []
    for cycle in list(nx.strongly_connected_components(net)):
        if len(cycle) > 1 or any(net.has_edge(n, n) for n in cycle):
            back, problem = _back_edges(flat, net, cycle, order)
            found |= {e: 1 for e in back}
            problems += problem
    if problems:
        raise NirError(f"{'; '.join(sorted(problems))}; put a Delay into the loop")
    return found


def _back_edges(
    flat: Flat, net: nx.DiGraph, cycle: set[str], order: Mapping[str, int]
) -> tuple[list[Edge], list[str]]:
    """Edges of one cycle that carry a step, or what is wrong with it."""
    inside = net.subgraph(cycle)
    neurons = {n for n in cycle if flat.nodes[n].kind in NEURONS}
    back: list[Edge] = []
    for name in neurons:
        for target in inside.successors(name):
            ahead = {order[n] > order[name] for n in _first_neurons(inside, target, neurons)}
            if ahead == {True, False}:
                return [], [
                    f"from {name!r} through {target!r} a signal goes both forward and back, and "
                    "NIR cannot say which of the two waits a step"
                ]
            if ahead != {True}:
                back.append((name, target))
    left = nx.DiGraph(inside)
    left.remove_edges_from(back)
    if not nx.is_directed_acyclic_graph(left):
        loop = " → ".join(a for a, _ in nx.find_cycle(left))
        return [], [f"the loop {loop} has no neuron and no delay"]
    return back, []


def _first_neurons(inside: nx.DiGraph, start: str, neurons: set[str]) -> set[str]:
    """Neurons reached from ``start`` without passing another."""
    seen, ends, todo = {start}, set[str](), [start]
    while todo:
        name = todo.pop()
        if name in neurons:
            ends.add(name)
            continue
        fresh = [n for n in inside.successors(name) if n not in seen]
        seen.update(fresh)
        todo += fresh
    return ends


def _order(flat: Flat) -> dict[str, int]:
    """Steps of a breadth-first walk from the Inputs; what they do not reach comes last."""
    queue = deque(flat.of_kind("Input"))
    place = {name: i for i, name in enumerate(queue)}
    after: dict[str, list[str]] = {}
    for a, b in flat.edges:
        after.setdefault(a, []).append(b)
    while queue:
        for name in after.get(queue.popleft(), []):
            if name not in place:
                place[name] = len(place)
                queue.append(name)
    return place | {n: len(place) + i for i, n in enumerate(flat.nodes) if n not in place}
