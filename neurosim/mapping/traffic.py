"""Messages, hops and the work of each core, per step of the chip, from what a run counted.

Where the run recorded the spikes of a population (``simulate(record="spikes")``), its messages are
those of its spikes: *traced*. Elsewhere its spikes of a step are taken to be spread evenly over its
neurons: *expected*. The synapses of a layer always add up to what was counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from neurosim.ir.run import Run
from neurosim.mapping.mesh import link_loads
from neurosim.mapping.sparse import Sparse, by_rows, dense, ones_at

if TYPE_CHECKING:
    from neurosim.mapping.placement import Placement

UPDATED = "{}/updated"  # name of a recorded value: which neurons paid an update
AT_ONCE = 2**20  # loads of links that are added up at a time


@dataclass(frozen=True, eq=False)
class Load:
    """(samples, steps, cores) of something; ``each`` alone where every step has the same pattern:
    the load is then ``often`` (samples, steps) × ``each`` (cores,).
    """

    each: np.ndarray
    often: np.ndarray | None = None

    @property
    def full(self) -> np.ndarray:
        """(samples, steps, cores)."""
        return self.each if self.often is None else self.often[:, :, None] * self.each


@dataclass(frozen=True, eq=False)
class Sent:
    """Messages of one population: sent and received by core; and, over the whole run, from core
    ``source`` to core ``target``. ``of_step``: (samples, steps, pairs), where they were traced.
    """

    name: str
    out: Load
    into: Load
    source: np.ndarray
    target: np.ndarray
    total: np.ndarray
    of_step: np.ndarray | None = None

    @property
    def traced(self) -> bool:
        """From recorded spikes."""
        return self.of_step is not None


@dataclass(frozen=True, eq=False)
class Traffic:
    """``sent``: by population; ``updates``: population → active updates; ``synapses``:
    layer → synaptic operations. Loads are in the steps of the clip.
    """

    placement: Placement
    run: Run
    sent: Mapping[str, Sent]
    updates: Mapping[str, Load] = field(repr=False)
    spikes: Mapping[str, Load] = field(repr=False)
    synapses: Mapping[str, Load] = field(repr=False)

    @property
    def traced(self) -> tuple[str, ...]:
        """Populations whose recorded spikes were used."""
        return tuple(n for n, s in self.sent.items() if s.traced)

    @property
    def steps(self) -> int:
        """Steps of the chip for one clip: the clip's, and those that the last layer lags."""
        return self.run.steps + self.placement.late

    def counts(self) -> dict[tuple[str, str], int]:
        """(node, event) → count over the run."""
        found: dict[tuple[str, str], int] = {}
        for name, sent in self.sent.items():
            ew, ns, over = self._hops(sent)
            inside = self._within(sent)
            total = sent.total
            events = {
                "message": total.sum(), "hop_ew": total @ ew, "hop_ns": total @ ns,
                "spike_within_tile": total @ inside, "chip_crossing": total @ over,
            }  # fmt: skip
            if not self.placement.mesh.known:
                events = {"message": total.sum()}
            found |= {(name, event): round(float(count)) for event, count in events.items()}
        return found | self._idle() | self._words()

    def _hops(self, sent: Sent) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = self.placement.at
        return self.placement.mesh.hops(at[sent.source], at[sent.target])

    def _within(self, sent: Sent) -> np.ndarray:
        at, mesh = self.placement.at, self.placement.mesh
        return mesh.tile(at[sent.source]) == mesh.tile(at[sent.target])

    def _idle(self) -> dict[tuple[str, str], int]:
        """Updates of the steps in which a layer has nothing of the clip yet, or nothing any more:
        every mapped neuron is updated in every step of the chip.
        """
        late = self.placement.late
        return {
            (name, "neuron_idle"): p.size * late * self.run.samples
            for name, p in self.placement.network.populations.items()
            if late and p.kind == "neuron"
        }

    def _words(self) -> dict[tuple[str, str], int]:
        """Values that cross between chip and host: events where they are events."""
        found: dict[tuple[str, str], int] = {}
        for name, elements in self.placement.network.crossings.items():
            facts = self.run.facts.get(name)
            steps = self.run.steps if facts is None else facts.steps
            words = elements * steps * self.run.samples
            if facts is not None and facts.out_kind == "spike":
                event = "input_event" if facts.role == "input" else "spike"
                words = self.run.counts.get(name, event) if facts.role != "product" else words
            found[name, "host_io"] = words
        return found

    def held(self, name: str) -> np.ndarray:
        """(cores,): compartments of a population."""
        where = self.placement.cores[name]
        return np.bincount(where, minlength=len(self.placement.at)).astype(np.float64)

    @cached_property
    def links(self) -> np.ndarray | None:
        """(chip steps, 4, columns, rows): messages over each link, mean over samples."""
        mesh = self.placement.mesh
        if not mesh.known:
            return None
        out = np.zeros((self.steps, 4, *mesh.size))
        for name, sent in self.sent.items():
            _add_links(out, self.placement, name, sent, self.run)
        return out


def _add_links(out: np.ndarray, placement: Placement, name: str, sent: Sent, run: Run) -> None:
    at, late = placement.at, placement.network.populations[name].late
    source, target = at[sent.source], at[sent.target]
    if sent.of_step is None:
        assert sent.out.often is not None
        each = link_loads(placement.mesh, source, target, sent.total)
        share = sent.out.often.sum(axis=0) / max(1e-300, sent.out.often.sum()) / run.samples
        out[late : late + len(share)] += share[:, None, None, None] * each
        return
    messages = sent.of_step.mean(axis=0)
    block = max(1, AT_ONCE // out[0].size)
    for first in range(0, len(messages), block):
        now = messages[first : first + block]
        start = late + first
        out[start : start + len(now)] += link_loads(placement.mesh, source, target, now)


def traffic_of(placement: Placement, run: Run) -> Traffic:
    """Traffic of a run of the placed graph."""
    sent = {
        name: _sent(placement, run, name)
        for name in placement.wires
        if placement.wires[name].cell.max(initial=-1) >= 0
    }
    firing = [name for name, p in placement.network.populations.items() if p.kind != "sums"]
    updates = {name: _updates(placement, run, name) for name in firing}
    spikes = {name: _spikes(placement, run, name) for name in firing}
    return Traffic(placement, run, sent, updates, spikes, _synapses(placement, run, sent))


def per_step(run: Run, node: str, event: str) -> np.ndarray:
    """float64 (samples, steps) of a count: bins spread evenly, summed samples shared evenly."""
    counts = run.counts
    found = counts.array(node, event).astype(np.float64)
    if counts.steps_per_bin > 1:
        bins = np.arange(run.steps) // counts.steps_per_bin
        size = np.bincount(bins).astype(np.float64)
        found = (found / size)[:, bins]
    if counts.samples_summed:
        found = np.repeat(found / run.samples, run.samples, axis=0)
    return found


def recorded(run: Run, name: str) -> np.ndarray | None:
    """(samples, steps, elements) of a recorded value, or None."""
    if name not in run.trace:
        return None
    value = run.trace[name]
    if value.ndim < 2 or value.shape[:2] != (run.steps, run.samples):
        return None
    return value.reshape(run.steps, run.samples, -1).swapaxes(0, 1)


def _sent(placement: Placement, run: Run, name: str) -> Sent:
    wires, where, number = placement.wires[name], placement.cores[name], len(placement.at)
    reach = wires.reach
    known = np.flatnonzero(wires.cell >= 0)
    pairs = where[known].astype(np.int64) * reach.shape[0] + wires.cell[known]
    units, unit = np.unique(pairs, return_inverse=True)  # neurons of one core and one cell
    sends = reach[units % reach.shape[0]].tocoo()  # (units, cores)
    channel = (units // reach.shape[0])[sends.row] * number + sends.col
    routes, route = np.unique(channel, return_inverse=True)
    onto = ones_at(sends.row, route, (len(units), len(routes)))
    source, target = routes // number, routes % number
    spikes = recorded(run, name)
    if spikes is None:
        fired = _fired(placement, run, name)
        each = (np.bincount(unit, minlength=len(units)) / len(where)) @ onto
        out, into = (
            Load(np.bincount(where, weights=each, minlength=number), fired)
            for where in (source, target)
        )
        return Sent(name, out, into, source, target, fired.sum() * each)
    shape = (run.samples, run.steps, -1)
    units_of = ones_at(known, unit, (len(where), len(units)))
    flat = _flat(spikes)
    messages = dense(flat @ units_of @ onto)
    out, into = (Load((messages @ _by(where, number)).reshape(shape)) for where in (source, target))
    return Sent(name, out, into, source, target, messages.sum(axis=0), messages.reshape(shape))


def _fired(placement: Placement, run: Run, name: str) -> np.ndarray:
    """(samples, steps) spikes of a population."""
    clip = placement.network.populations[name].kind == "input"
    return per_step(run, name, "input_event" if clip else "spike")


def _flat(values: np.ndarray) -> Sparse:
    """(samples × steps, elements), sparse: 1 where something happened."""
    rows, size = int(values.shape[0] * values.shape[1]), int(values.shape[2])
    happened = np.ascontiguousarray(values.reshape(rows, size) != 0)
    found = np.flatnonzero(happened)
    starts = np.searchsorted(found, np.arange(rows + 1) * size)
    return by_rows(np.ones(len(found)), found % max(1, size), starts, (rows, size))


def _on_cores(values: np.ndarray, where: np.ndarray, number: int) -> np.ndarray:
    """(samples, steps, cores): elements of each core at which something happened."""
    out = np.zeros((*values.shape[:2], number))
    order = np.argsort(where, kind="stable")
    held, starts = np.unique(where[order], return_index=True)
    happened = values != 0
    if (np.diff(where) < 0).any():
        happened = happened[:, :, order]
    if len(held):
        out[:, :, held] = np.add.reduceat(happened, starts, axis=2, dtype=np.int32)
    return out


def _by(where: np.ndarray, number: int) -> Sparse:
    """(elements, cores): one for the core of each element."""
    return ones_at(np.arange(len(where)), where, (len(where), number))


def _spikes(placement: Placement, run: Run, name: str) -> Load:
    """Spikes emitted on each core."""
    where, number, found = placement.cores[name], len(placement.at), recorded(run, name)
    if found is None:
        share = np.bincount(where, minlength=number) / len(where)
        return Load(share, _fired(placement, run, name))
    return Load(_on_cores(found, where, number))


def _updates(placement: Placement, run: Run, name: str) -> Load:
    """Active updates; the others of its neurons are idle."""
    where, number = placement.cores[name], len(placement.at)
    held = np.bincount(where, minlength=number).astype(np.float64)
    mask = recorded(run, UPDATED.format(name))
    if mask is not None:
        return Load(_on_cores(mask, where, number))
    counted = (name, "neuron_updated") in run.counts.table
    event = "neuron_updated" if counted else "neuron_active"
    if placement.network.populations[name].kind == "input":
        event = "input_event"
    return Load(held / len(where), per_step(run, name, event))


def _synapses(placement: Placement, run: Run, sent: Mapping[str, Sent]) -> dict[str, Load]:
    """Layer → synaptic operations; they add up to what was counted."""
    found: dict[str, Load] = {}
    for name, layer in placement.network.layers.items():
        sources = {o.source for o in layer.sources}
        if sources and all(n in sent and sent[n].traced for n in sources):
            found[name] = Load(sum(_arrived(placement, run, n, name) for n in sources))  # type: ignore[arg-type]
            continue
        events = ("synapse", _graded(placement, run, name), "mac")
        often = np.sum([per_step(run, name, e) for e in events], axis=0)
        if not layer.reach.zeros:
            often = often - per_step(run, name, "synapse_zero")
        found[name] = Load(placement.shares[name], often)
    return found


def _graded(placement: Placement, run: Run, name: str) -> str:
    unit = placement.profile.count.get("graded", "unit") == "unit"
    return "graded_unit" if unit and (name, "graded_unit") in run.counts.table else "graded_synapse"


def _arrived(placement: Placement, run: Run, source: str, layer: str) -> np.ndarray:
    wires, spikes = placement.wires[source], recorded(run, source)
    assert spikes is not None
    known = np.flatnonzero(wires.cell >= 0)
    synapses = wires.synapses[layer]
    shape = (spikes.shape[-1], synapses.shape[0])
    cells = ones_at(known, wires.cell[known], shape)
    return dense(_flat(spikes) @ cells @ synapses).reshape(run.samples, run.steps, -1)
