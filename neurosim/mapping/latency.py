"""Seconds of each step of a chip.

simple:    t = max(max over cores of generation, max over cores of processing, max over links of
               messages / rate) + barrier(tiles in use)
           generation  = active·t_active + idle·t_idle + spikes·t_spike + messages out·t_message
           processing  = messages in·t_message_in + synapses·t_synapse(encoding)
           (SANA-FE's simple model, Boyle et al. 2025, with a term for links)
detailed:  the same work in the order of its messages, with the occupancy of links on the way
           (``detailed``); needs recorded spikes.
queueing:  the same messages through queues of finite length, event by event (``queueing``): slow,
           the reference of the other two.

A profile that states a fixed ``step`` or ``tick`` has that one. A clip takes its own steps and
those that its last layer lags (one a layer).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.ir.run import Run
from neurosim.mapping.mesh import crossing_links

EACH = ("neuron_active", "neuron_idle", "spike", "message", "message_in")

if TYPE_CHECKING:
    from neurosim.mapping.placement import Placement
    from neurosim.mapping.traffic import Traffic


@dataclass(frozen=True, eq=False)
class Timing:
    """``steps``: (samples, chip steps) seconds. ``generation``, ``processing``: (chip steps, cores)
    and ``links``: (chip steps,) seconds, mean over samples; None where a fixed step hides them.
    """

    steps: np.ndarray
    barrier: float
    clip_steps: int
    generation: np.ndarray | None = None
    processing: np.ndarray | None = None
    links: np.ndarray | None = None

    @property
    def seconds(self) -> float:
        """From the first frame to the last layer's last step; mean over samples."""
        return float(self.steps.sum(axis=1).mean())

    @property
    def videos_per_second(self) -> float:
        """Clips one behind the other: the next begins when the first layer is free."""
        each = float(self.steps.mean()) * self.clip_steps
        return 1.0 / each if each else float("inf")


def timing_of(placement: Placement, run: Run) -> Timing:
    """Of a run on a placement, at the placement's level."""
    timing = placement.profile.timing
    fixed = next((timing[k].seconds() for k in ("step", "tick") if k in timing), None)
    chip_steps = run.steps + placement.late
    if fixed is not None:
        return Timing(np.full((run.samples, chip_steps), fixed), fixed, run.steps)
    traffic = placement.on_traffic(run)
    make, take = work(placement, traffic)
    links = link_seconds(placement, traffic)
    barrier = barrier_seconds(placement)
    busy = np.maximum(make.max(axis=2), take.max(axis=2))
    busy = np.maximum(busy, 0.0 if links is None else links[None])
    if placement.level != "simple":
        busy = _by_messages(placement, run, traffic)
    mean = make.mean(axis=0), take.mean(axis=0)
    return Timing(busy + barrier, barrier, run.steps, *mean, links)


def _by_messages(placement: Placement, run: Run, traffic: Traffic) -> np.ndarray:
    """(samples, chip steps) seconds that follow the messages one by one."""
    if placement.level == "detailed":
        from neurosim.mapping.detailed import detailed_steps

        return detailed_steps(placement, run, traffic)
    from neurosim.mapping.queueing import queueing_steps

    return queueing_steps(placement, run, traffic)


def barrier_seconds(placement: Placement) -> float:
    """Of all tiles in use; the measured one of several chips where there are several."""
    timing = placement.profile.timing
    several = timing.get("barrier_multichip")
    if placement.chips > 1 and several is not None:
        return several.seconds()
    return timing["barrier"].seconds(placement.tiles)


def work(placement: Placement, traffic: Traffic) -> tuple[np.ndarray, np.ndarray]:
    """(generation, processing) seconds, each (samples, chip steps, cores)."""
    shape = (traffic.run.samples, traffic.steps, len(placement.at))
    make, take = np.zeros(shape), np.zeros(shape)
    time = placement.profile.timing
    each = {k: time[k].seconds() if k in time else 0.0 for k in EACH}
    steps = traffic.run.steps
    for name, active in traffic.updates.items():
        late = placement.network.populations[name].late
        make += traffic.held(name) * each["neuron_idle"]  # every neuron in every step of the chip
        extra = active.full * (each["neuron_active"] - each["neuron_idle"])
        make[:, late : late + steps] += extra + traffic.spikes[name].full * each["spike"]
    for name, sent in traffic.sent.items():
        late = placement.network.populations[name].late
        now = slice(late, late + steps)
        make[:, now] += sent.out.full * each["message"]
        take[:, now] += sent.into.full * each["message_in"]
    for name, synapses in traffic.synapses.items():
        late = _late_of(placement, name)
        one = (
            time["synapse"].seconds(encoding=placement.encodings[name]) if "synapse" in time else 0
        )
        take[:, late : late + steps] += synapses.full * one
    return make, take


def _late_of(placement: Placement, layer: str) -> int:
    """Synapses are read in the step of their source's spikes."""
    populations = placement.network.populations
    sources = placement.network.layers[layer].sources
    return max((populations[o.source].late for o in sources), default=0)


def link_seconds(placement: Placement, traffic: Traffic) -> np.ndarray | None:
    """(chip steps,): the busiest link; None where no rate of links is known."""
    rate, links = placement.fabric.link_messages_per_second, traffic.links
    if rate is None or links is None:
        return None
    rates = np.full(links.shape[1:], rate)
    slower = placement.fabric.chip_link_messages_per_second
    if placement.chips > 1 and slower is not None:
        rates[crossing_links(placement.mesh)] = slower
    return (links / rates).reshape(len(links), -1).max(axis=1)
