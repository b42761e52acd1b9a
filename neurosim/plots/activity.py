"""What a run says of its spiking layers: counts by sample and step, and the spikes themselves where
they were recorded."""

from __future__ import annotations

import numpy as np

from neurosim.errors import UnknownName
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import Run
from neurosim.plots.style import PlotError

HOW = "record them: neurosim.simulate(graph, clip, record='spikes')"


def spiking(run: Run) -> dict[str, NodeFacts]:
    """The layers of neurons that spike, in the graph's order: those that have a firing rate."""
    rates = run.firing_rates()
    return {name: facts for name, facts in run.facts.items() if name in rates}


def some_spiking(run: Run) -> dict[str, NodeFacts]:
    """``spiking``, at least one of them. Raises PlotError."""
    found = spiking(run)
    if not found:
        raise PlotError("the run: no layer of spiking neurons; give a run of a model that has some")
    return found


def spikes(run: Run, node: str) -> np.ndarray:
    """Spikes by (sample, bin of steps), int64."""
    return run.counts.array(node, "spike")


def neuron_steps(run: Run, node: str) -> np.ndarray:
    """Neurons × steps by (sample, bin), int64: active and idle ones; by the layer's size where
    neither was counted."""
    counted = run.counts.array(node, "neuron_active") + run.counts.array(node, "neuron_idle")
    if counted.any():
        return counted
    rows, bins = run.counts.shape
    first = np.arange(bins) * run.counts.steps_per_bin
    steps = np.minimum(run.counts.steps_per_bin, run.steps - first)
    samples = run.samples if run.counts.samples_summed else 1
    return np.broadcast_to(steps * run.facts[node].neurons * samples, (rows, bins)).astype(np.int64)


def has_trace(run: Run) -> bool:
    """Whether the spikes of any layer were recorded."""
    return any(name in run.trace for name in spiking(run))


def recorded(run: Run, node: str) -> np.ndarray:
    """Whether each neuron fires: bool (steps, samples, neurons).

    Raises UnknownName: no such layer. PlotError: its spikes were not recorded.
    """
    layers = some_spiking(run)
    if node not in layers:
        raise UnknownName("layer of spiking neurons", node, layers)
    if node not in run.trace:
        raise PlotError(f"{node}: the run holds no spikes of it; {HOW}")
    fired = run.trace[node] != 0
    if fired.ndim == len(layers[node].out_shape) + 1:  # a value of the whole clip: one step
        fired = fired[None]
    return fired.reshape(*fired.shape[:2], -1)


def recorded_layers(run: Run) -> dict[str, int]:
    """Recorded layer → its depth among all spiking ones, from 1. Raises PlotError: none."""
    found = {n: d for d, n in enumerate(some_spiking(run), 1) if n in run.trace}
    if not found:
        raise PlotError(f"the run: no spikes were kept; {HOW}")
    return found
