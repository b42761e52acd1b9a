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

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import PlacementError
from neurosim.ir.run import Run
from neurosim.mapping.sparse import Sparse, csr, empty, ones_at, stacked
from neurosim.mapping.traffic import UPDATED, Traffic, recorded

if TYPE_CHECKING:
    from neurosim.mapping.placement import Placement

UNBOUNDED = 1e9  # messages that a link holds, where the profile states no buffer


@dataclass(frozen=True, eq=False)
class Work:
    """What the cores have to do, neurons in mapped order: core c holds ``starts[c]`` to
    ``starts[c + 1]``. ``fired``, ``spent``: (samples, steps, neurons), and seconds of an update.
    Neuron n sends ``axons[n]`` to ``axons[n + 1]``: each ``leads`` to a core and ``takes`` seconds
    there. From core a to b: way a × cores + b, over ``links[begins[way]]`` … in ``hops`` seconds.
    """

    fired: np.ndarray
    spent: np.ndarray
    starts: np.ndarray
    axons: np.ndarray
    leads: np.ndarray
    takes: np.ndarray
    begins: np.ndarray
    links: np.ndarray
    hops: np.ndarray
    number: int  # of links
    out: float  # seconds to emit a message
    room: float  # messages that a link holds


def work_of(placement: Placement, run: Run, traffic: Traffic) -> Work:
    """Of a run whose spikes were recorded. Raises PlacementError."""
    missing = [n for n, s in traffic.sent.items() if not s.traced]
    if missing:
        raise PlacementError(
            f"{placement.level} step times need the spikes of {missing[0]!r}; simulate with "
            "record='spikes'"
        )
    every = _core_of_all(placement)
    order = np.argsort(every, kind="stable")
    starts = np.searchsorted(every[order], np.arange(len(placement.at) + 1))
    time = placement.profile.timing
    out = time["message"].seconds() if "message" in time else 0.0
    room = float(placement.fabric.link_buffer_messages or UNBOUNDED)
    fired, spent = _activity(placement, run, traffic, order)
    return Work(fired, spent, starts, *_axons(placement, order), *_routes(placement), out, room)


def detailed_steps(placement: Placement, run: Run, traffic: Traffic) -> np.ndarray:
    """(samples, chip steps) seconds without the barrier.

    Raises PlacementError: spikes that were not recorded.
    """
    w, kernel = work_of(placement, run, traffic), _compiled()
    found = np.zeros(w.fired.shape[:2])
    for sample in range(len(found)):
        kernel(found[sample], w.fired[sample], w.spent[sample], w.starts, w.axons, w.leads, w.takes,
               w.begins, w.links, w.hops, w.number, w.out, w.room)  # fmt: skip
    return found


def _core_of_all(placement: Placement) -> np.ndarray:
    """int64: the core of every compartment, population after population."""
    return np.concatenate([placement.cores[n] for n in placement.network.populations])


def _axons(placement: Placement, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For neurons in mapped order: where each begins in the list of axons, and for each axon the
    core it leads to and the seconds that a message takes there.
    """
    time, number = placement.profile.timing, len(placement.at)
    arrival = time["message_in"].seconds() if "message_in" in time else 0.0
    blocks: list[Sparse] = []
    for name, population in placement.network.populations.items():
        wires = placement.wires.get(name)
        if wires is None:
            blocks.append(empty((population.size, number)))
            continue
        seconds = wires.reach * arrival
        for layer, synapses in wires.synapses.items():
            each = time["synapse"].seconds(encoding=placement.encodings[layer])
            seconds = seconds + synapses * each
        known = np.flatnonzero(wires.cell >= 0)
        pick = ones_at(known, wires.cell[known], (population.size, seconds.shape[0]))
        blocks.append(csr(pick @ seconds))
    every = stacked(blocks)[order]
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
    spent, rank, start = np.empty(fired.shape), np.argsort(order), 0
    for name, population in placement.network.populations.items():
        place = _run_of(rank[start : start + population.size])
        start += population.size
        spent[:, :, place] = 0.0 if population.kind == "sums" else idle
        if population.kind == "sums":
            continue
        now = slice(population.late, population.late + run.steps)
        spikes, mask = recorded(run, name), recorded(run, UPDATED.format(name))
        part = np.zeros((run.samples, run.steps, 1), bool) if spikes is None else spikes != 0
        fired[:, now, place] = part
        if mask is not None:
            each = np.array([idle, idle + (active - idle), idle + spike, 0.0])
            each[3] = idle + ((active - idle) + spike)
            spent[:, now, place] = each[(mask != 0) + 2 * part.view(np.uint8)]
            continue
        share = traffic.updates[name].full.sum(axis=2, keepdims=True) / population.size
        spent[:, now, place] += share * (active - idle) + part * spike
    return fired, spent


def _run_of(places: np.ndarray) -> slice | np.ndarray:
    """The same places as a slice, where they follow each other."""
    if len(places) and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def _routes(placement: Placement) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
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
    begins: list[int] = [0]
    seconds: list[float] = []
    for a in range(len(at)):
        out = (x[a] * height + y[a]) * each + 4 + at[a] % placement.fabric.cores % mesh.per_tile
        for b in range(len(at)):
            links.append(int(out))
            links += _tiles(int(x[a]), int(y[a]), int(x[b]), int(y[b]), height, each)
            begins.append(len(links))
            seconds.append(abs(x[a] - x[b]) * ew + abs(y[a] - y[b]) * ns)
    hops = np.array(seconds, np.float64)
    return np.array(begins), np.array(links), hops, width * height * each


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
    """``schedule`` compiled. numba is imported by the first call, not by this module; the functions
    that ``schedule`` calls are replaced here by their compiled forms, which it then finds.
    """
    from neurosim.threads._fork import compiled

    for part in (next_message, earliest, leave, send):
        globals()[part.__name__] = compiled(part)
    return compiled(schedule)


def next_message(
    core: int, fired: Any, spent: Any, starts: Any, begins: Any, cursor: Any, axon: Any, out: float
) -> float:
    """Moves a core on to its next message and returns the seconds until then. ``cursor``: the
    neuron of each core that is next; ``axon``: its axon (-1: it was not updated yet; -2: the core
    has emitted its last message, and the seconds are those of its other neurons).
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


def earliest(ready: Any, going: Any) -> int:
    """The core whose message is next; -1: none is left."""
    found = -1
    for core in range(len(ready)):
        if going[core] and (found < 0 or ready[core] < ready[found]):
            found = core
    return found


# state: mean seconds of work of the messages in flight, how many there are, the last event so far,
# and how many were sent
MEAN, FLYING, LAST, SENT = 0, 1, 2, 3


def leave(
    now: float, state: Any, held: Any, flight: Any, heads: Any, begins: Any, links: Any
) -> None:
    """What has arrived by ``now`` frees its links. ``flight``: (4, messages) arrival, work, route
    and the message behind it at the same core; ``heads``: the first at each core.
    """
    for core in range(len(heads)):
        while heads[core] >= 0 and flight[0, heads[core]] <= now:
            m = heads[core]
            heads[core] = int(flight[3, m])
            way = int(flight[2, m])
            for k in range(begins[way], begins[way + 1]):
                held[links[k]] -= 1.0 / (begins[way + 1] - begins[way] + 1)
            others = state[FLYING] - 1
            state[MEAN] += (state[MEAN] - flight[1, m]) / others if others > 0 else -state[MEAN]
            state[FLYING] = others


def send(
    now: float, way: int, target: int, takes: float, hop: float, room: float, state: Any, held: Any,
    flight: Any, heads: Any, tails: Any, done: Any, begins: Any, links: Any,
) -> float:  # fmt: skip
    """Puts a message on its way; returns when it left, later than ``now`` where it was blocked."""
    size = begins[way + 1] - begins[way]
    along = 0.0
    for k in range(begins[way], begins[way + 1]):
        along += held[links[k]]
        held[links[k]] += 1.0 / (size + 1)
    now += max(0.0, along - size * room) * state[MEAN]
    received = max(done[target], now + max(hop, along * state[MEAN] / size))
    done[target] = received + takes
    state[LAST] = max(state[LAST], done[target])
    m = int(state[SENT])
    flight[0, m], flight[1, m], flight[2, m], flight[3, m] = received, takes, way, -1
    if heads[target] < 0:
        heads[target] = m
    else:
        flight[3, tails[target]] = m
    tails[target] = m
    state[MEAN] += (takes - state[MEAN]) / (state[FLYING] + 1)
    state[FLYING] += 1
    state[SENT] += 1
    return now


def schedule(
    found: Any, fired: Any, spent: Any, starts: Any, axons: Any, leads: Any, takes: Any,
    begins: Any, links: Any, hops: Any, number: int, out: float, room: float,
) -> None:  # fmt: skip
    """Seconds of every step into ``found``."""
    cores = len(starts) - 1
    cursor, axon = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    heads, tails = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    ready, done, going = np.zeros(cores), np.zeros(cores), np.zeros(cores, np.bool_)
    flight, held, state = np.zeros((4, len(leads) + 1)), np.zeros(number), np.zeros(4)
    for step in range(len(found)):
        held[:], state[:], done[:], going[:] = 0.0, 0.0, 0.0, True
        cursor[:], axon[:], heads[:] = starts[:-1], -1, -1
        for core in range(cores):
            ready[core] = next_message(
                core, fired[step], spent[step], starts, axons, cursor, axon, out
            )
        core = earliest(ready, going)
        while core >= 0:
            state[LAST] = max(state[LAST], ready[core])
            leave(ready[core], state, held, flight, heads, begins, links)
            if axon[core] == -2:
                going[core] = False
            else:
                target = leads[axon[core]]
                way = core * cores + target
                left = send(
                    ready[core], way, target, takes[axon[core]], hops[way], room, state, held,
                    flight, heads, tails, done, begins, links,
                )  # fmt: skip
                ready[core] = left + next_message(
                    core, fired[step], spent[step], starts, axons, cursor, axon, out
                )
            core = earliest(ready, going)
        found[step] = state[LAST]
