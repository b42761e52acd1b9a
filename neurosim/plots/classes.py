"""Firing rate by class of the clip, by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.ir.run import Run
from neurosim.plots import style
from neurosim.plots.activity import neuron_steps, some_spiking, spikes
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL = "all neurons"
NAMED = 40  # most classes that get a line of text each


@dataclass(frozen=True)
class ClassRates:
    """Exact sums over the ``clips[i]`` clips of class i."""

    classes: tuple[str, ...]
    clips: tuple[int, ...]
    nodes: tuple[str, ...]
    spikes: np.ndarray  # (classes, nodes) int64
    neuron_steps: np.ndarray  # (classes, nodes) int64

    columns = ("class", "clips", "node", "depth", "spikes", "neuron_steps", "rate")

    @property
    def rates(self) -> np.ndarray:
        """(classes, nodes): spikes per neuron and step."""
        return self.spikes / self.neuron_steps

    @property
    def mean(self) -> np.ndarray:
        """(classes,): over all neurons."""
        return self.spikes.sum(1) / self.neuron_steps.sum(1)

    def rows(self) -> list[tuple[Any, ...]]:
        """One a class and layer, then all neurons together (without a depth)."""
        names = [*((n, d) for d, n in enumerate(self.nodes, 1)), (ALL, None)]
        fired, steps = (np.c_[a, a.sum(1)] for a in (self.spikes, self.neuron_steps))
        return [
            (name, clips, *node, fired[i, j], steps[i, j], fired[i, j] / steps[i, j])
            for i, (name, clips) in enumerate(zip(self.classes, self.clips, strict=True))
            for j, node in enumerate(names)
        ]


def class_rates(
    run: Run, labels: Sequence[int | str], names: Sequence[str] | None = None
) -> ClassRates:
    """``labels``: the class of each clip of the run. ``names[label]``: what to call it.

    Raises PlotError: as many labels as clips were not given, a label without a name, clips that
    were summed, or no layer that spikes.
    """
    nodes, counts = tuple(some_spiking(run)), run.counts
    if counts.samples_summed:
        raise PlotError(
            f"the run: its {run.samples} clips were summed to save memory; simulate fewer at once"
        )
    if len(labels) != run.samples:
        raise PlotError(f"{len(labels)} labels for {run.samples} clips; give each clip its class")
    found = sorted(set(labels), key=lambda x: (isinstance(x, str), x))
    member = np.array([[x == label for x in labels] for label in found])  # (classes, samples)
    return ClassRates(
        tuple(_name(label, names) for label in found),
        tuple(int(n) for n in member.sum(1)),
        nodes,
        np.stack([member @ spikes(run, n).sum(1) for n in nodes], 1),
        np.stack([member @ neuron_steps(run, n).sum(1) for n in nodes], 1),
    )


def _name(label: int | str, names: Sequence[str] | None) -> str:
    if names is None or isinstance(label, str):
        return str(label)
    if not 0 <= label < len(names):
        raise PlotError(f"label {label}: only {len(names)} names; name every class")
    return names[label]


def draw_class_rates(table: ClassRates, ax: Axes | None = None) -> Axes:
    """Classes down, layers across; colour: the rate against the layer's mean over the classes, so
    that a class stands out in every layer. Beside each class its rate over all neurons."""
    number = len(table.classes)
    axes = style.axes_of(ax, style.COLUMN, 1.1 + 0.16 * min(number, NAMED))
    relative = 100 * deviations(table.rates)
    most = float(np.abs(relative).max()) or 1.0
    extent = (0.5, len(table.nodes) + 0.5, number - 0.5, -0.5)
    image = axes.imshow(relative, cmap="PuOr_r", vmin=-most, vmax=most, aspect="auto",
                        interpolation="nearest", extent=extent)  # fmt: skip
    style.whole_ticks(axes, y=number > NAMED)
    if number <= NAMED:
        named = [f"{c}  {m:.1%}" for c, m in zip(table.classes, table.mean, strict=True)]
        axes.set_yticks(range(number), named)
    style.colour_bar(axes, image, "rate against layer's mean (%)")
    label = "class, rate of all neurons" if number <= NAMED else "class"
    return style.dress(axes, "layer of neurons", label)


def deviations(rates: np.ndarray) -> np.ndarray:
    """(classes, nodes) rate / mean rate over classes − 1; 0 where a layer is silent throughout."""
    mean = rates.mean(0)
    return np.divide(rates, mean, out=np.ones_like(rates), where=mean > 0) - 1
