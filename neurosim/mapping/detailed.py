"""Step times with the order of messages and the occupancy of the network on chip.

A semi-analytical model after SANA-FE's (Boyle et al., TCAD 44(8), 2025), written anew: cores emit
their messages in the order of their neurons, the earliest message of all goes next, and what is in
flight slows it down:

    along      = Σ over the links of its route of their messages in flight, each message spread
                 evenly over its hops + 2 links
    blocking   = (along − buffer·(hops + 1))·mean processing time in flight, where positive
    travel     = max(Σ hop times, along·mean / (hops + 1))
    received   = when it has travelled and its core has done the message before it
    step       = the last message done, or the last neuron updated, whatever comes last
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import PlacementError
from neurosim.ir.run import Run
from neurosim.mapping.traffic import UPDATED, Traffic, recorded

if TYPE_CHECKING:
    from neurosim.mapping.placement import Placement

UNBOUNDED = 1e9  # messages that a link holds, where the profile states no buffer


def detailed_steps(placement: Placement, run: Run, traffic: Traffic) -> np.ndarray:
    """(samples, chip steps) seconds without the barrier.

    Raises PlacementError: spikes that were not recorded.
    """
    missing = [n for n, s in traffic.sent.items() if not s.traced]
    if missing:
        raise PlacementError(
            f"detailed step times need the spikes of {missing[0]!r}; simulate with record='spikes'"
        )
    order = np.argsort(_core_of_all(placement), kind="stable")
    core_of = _core_of_all(placement)[order]
    starts = np.searchsorted(core_of, np.arange(len(placement.at) + 1))
    axons = _axons(placement, order)
    fired, spent = _activity(placement, run, traffic, order)
    routes = _routes(placement)
    time = placement.profile.timing
    out_seconds = time["message"].seconds() if "message" in time else 0.0
    room = float(placement.fabric.link_buffer_messages or UNBOUNDED)
    kernel = _compiled()
    found = np.zeros(fired.shape[:2])
    for sample in range(fired.shape[0]):
        kernel(found[sample], fired[sample], spent[sample], starts, *axons, *routes, out_seconds, room)
    return found


def _core_of_all(placement: Placement) -> np.ndarray:
    """int64: the core of every compartment, population after population."""
    return np.concatenate([placement.cores[n] for n in placement.network.populations])


def _axons(placement: Placement, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For neurons in mapped order: where each begins in the list of axons, and for each axon the
    core it leads to and the seconds that a message takes there.
    """
    from scipy.sparse import csr_array, vstack

    time, number = placement.profile.timing, len(placement.at)
    arrival = time["message_in"].seconds() if "message_in" in time else 0.0
    blocks: list[Any] = []
    for name, population in placement.network.populations.items():
        wires = placement.wires.get(name)
        if wires is None:
            blocks.append(csr_array((population.size, number)))
            continue
        seconds = wires.reach * arrival
        for layer, synapses in wires.synapses.items():
            each = time["synapse"].seconds(encoding=placement.encodings[layer])
            seconds = seconds + synapses * each
        known = np.flatnonzero(wires.cell >= 0)
        shape = (population.size, seconds.shape[0])
        pick = csr_array((np.ones(len(known)), (known, wires.cell[known])), shape=shape)
        blocks.append(csr_array(pick @ seconds))
    every = csr_array(vstack(blocks, format="csr"))[order]
    every.sort_indices()
    return every.indptr.astype(np.int64), every.indices.astype(np.int64), every.data


def _activity(
    placement: Placement, run: Run, traffic: Traffic, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(samples, chip steps, neurons): who fired, and the seconds of each neuron's update; where the
    updated neurons were not recorded, each pays the mean of its population.
    """
    time = placement.profile.timing
    idle, active, spike = (
        time[k].seconds() if k in time else 0.0 for k in ("neuron_idle", "neuron_active", "spike")
    )
    fired = np.zeros((run.samples, traffic.steps, len(order)), bool)
    spent = np.full(fired.shape, idle)
    start = 0
    for name, population in placement.network.populations.items():
        place = slice(start, start + population.size)
        start = place.stop
        if population.kind == "sums":
            spent[:, :, place] = 0.0
            continue
        now = slice(population.late, population.late + run.steps)
        spikes, mask = recorded(run, name), recorded(run, UPDATED.format(name))
        part = np.zeros((run.samples, run.steps, 1)) if spikes is None else spikes != 0
        fired[:, now, place] = part
        share = traffic.updates[name].full.sum(axis=2, keepdims=True) / population.size
        updated = share if mask is None else mask != 0
        spent[:, now, place] += updated * (active - idle) + part * spike
    return fired[:, :, order], spent[:, :, order]


def _routes(placement: Placement) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """For each pair of cores a × cores + b: where its route begins in the list of links, the links,
    and its hop seconds; and how many links there are.

    A route is the way out of the sending core and then, at each tile, the side it was entered from.
    """
    mesh, at, time = placement.mesh, placement.at, placement.profile.timing
    x, y = mesh.place(at)
    width, height = mesh.size
    each = 4 + mesh.per_tile
    ew, ns = (time[k].seconds() if k in time else 0.0 for k in ("hop_ew", "hop_ns"))
    links: list[int] = []
    begins, seconds = [0], []
    for a in range(len(at)):
        out = (x[a] * height + y[a]) * each + 4 + at[a] % placement.fabric.cores % mesh.per_tile
        for b in range(len(at)):
            links.append(int(out))
            links += _tiles(int(x[a]), int(y[a]), int(x[b]), int(y[b]), height, each)
            begins.append(len(links))
            seconds.append(abs(x[a] - x[b]) * ew + abs(y[a] - y[b]) * ns)
    sizes = np.array([width * height * each])
    return np.array(begins), np.array(links), np.array(seconds, np.float64), sizes


def _tiles(x: int, y: int, to_x: int, to_y: int, height: int, each: int) -> list[int]:
    """Links of the tiles that a message enters: 0 from the west, 1 east, 2 south, 3 north."""
    found: list[int] = []
    while x != to_x:
        side = 0 if to_x > x else 1
        x += 1 if to_x > x else -1
        found.append((x * height + y) * each + side)
    while y != to_y:
        side = 2 if to_y > y else 3
        y += 1 if to_y > y else -1
        found.append((x * height + y) * each + side)
    return found


@cache
def _compiled() -> Any:
    """``schedule`` compiled; numba is imported by the first call."""
    import numba

    advance = numba.njit(cache=True, nogil=True)(next_message)
    globals()["next_message"] = advance
    return numba.njit(cache=True, nogil=True)(schedule)


def next_message(
    core: int, fired: Any, spent: Any, starts: Any, begins: Any, cursor: Any, axon: Any, out: float
) -> float:
    """Moves a core on to its next message and returns the seconds until then; -1: there is none and
    nothing is left to do. ``cursor``: the neuron of each core that is next, ``axon``: its next axon
    (-1: the neuron was not updated yet; -2: the core has emitted its last message).
    """
    total = 0.0
    while cursor[core] < starts[core + 1]:
        neuron = cursor[core]
        if axon[core] == -1:
            total += spent[neuron]
            axon[core] = begins[neuron] if fired[neuron] else begins[neuron + 1]
        else:
            axon[core] += 1
        if axon[core] < begins[neuron + 1]:
            return total + out
        cursor[core] += 1
        axon[core] = -1
    axon[core] = -2
    return total


def schedule(
    found: Any, fired: Any, spent: Any, starts: Any, begins: Any, leads: Any, takes: Any,
    route_begins: Any, route_links: Any, hop_seconds: Any, sizes: Any, out: float, room: float,
) -> None:  # fmt: skip
    """Seconds of every step into ``found``."""
    cores = len(starts) - 1
    cursor, axon = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    ready, done = np.zeros(cores), np.zeros(cores)
    going = np.zeros(cores, np.bool_)
    most = len(leads) + 1
    arrives, work = np.zeros(most), np.zeros(most)  # of messages in flight
    route, after = np.zeros(most, np.int64), np.zeros(most, np.int64)
    head, tail = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    held = np.zeros(sizes[0])
    for step in range(len(found)):
        held[:] = 0.0
        flying, mean, last, used = 0, 0.0, 0.0, 0
        for core in range(cores):
            cursor[core], axon[core], done[core] = starts[core], -1, 0.0
            head[core] = tail[core] = -1
            ready[core] = next_message(
                core, fired[step], spent[step], starts, begins, cursor, axon, out
            )
            going[core] = True
        while True:
            core = -1
            for c in range(cores):
                if going[c] and (core < 0 or ready[c] < ready[core]):
                    core = c
            if core < 0:
                break
            now = ready[core]
            last = max(last, now)
            for c in range(cores):  # what has arrived by now leaves the links
                while head[c] >= 0 and arrives[head[c]] <= now:
                    m = head[c]
                    head[c] = after[m]
                    first, end = route_begins[route[m]], route_begins[route[m] + 1]
                    for k in range(first, end):
                        held[route_links[k]] -= 1.0 / (end - first + 1)
                    mean = mean + (mean - work[m]) / (flying - 1) if flying > 1 else 0.0
                    flying -= 1
            if axon[core] == -2:
                going[core] = False
                continue
            target, takes_here = leads[axon[core]], takes[axon[core]]
            way = core * cores + target
            first, end = route_begins[way], route_begins[way + 1]
            along = 0.0
            for k in range(first, end):
                along += held[route_links[k]]
            if along > (end - first) * room:
                now += (along - (end - first) * room) * mean
            travel = max(hop_seconds[way], along * mean / (end - first))
            received = max(done[target], now + travel)
            done[target] = received + takes_here
            last = max(last, done[target])
            m, used = used, used + 1
            arrives[m], work[m], route[m], after[m] = received, takes_here, way, -1
            if head[target] < 0:
                head[target] = m
            else:
                after[tail[target]] = m
            tail[target] = m
            for k in range(first, end):
                held[route_links[k]] += 1.0 / (end - first + 1)
            mean += (takes_here - mean) / (flying + 1)
            flying += 1
            ready[core] = now + next_message(
                core, fired[step], spent[step], starts, begins, cursor, axon, out
            )
        found[step] = last
