"""Firing rate over the time steps of a clip, by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.ir.run import Run
from neurosim.plots import style
from neurosim.plots.activity import neuron_steps, some_spiking, spikes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL = "all neurons"


@dataclass(frozen=True)
class StepRates:
    """Exact sums over all clips. ``first_steps``: the first step of each bin (bins of one step
    unless the clip was long)."""

    nodes: tuple[str, ...]
    first_steps: np.ndarray  # (bins,) int64
    spikes: np.ndarray  # (nodes, bins) int64
    neuron_steps: np.ndarray  # (nodes, bins) int64

    columns = ("node", "depth", "step", "spikes", "neuron_steps", "rate")

    @property
    def rates(self) -> np.ndarray:
        """(nodes, bins): spikes per neuron and step; NaN where a layer does not run in a step."""
        return _ratio(self.spikes, self.neuron_steps)

    @property
    def mean(self) -> np.ndarray:
        """(bins,): over all neurons."""
        return _ratio(self.spikes.sum(0), self.neuron_steps.sum(0))

    def rows(self) -> list[tuple[Any, ...]]:
        """One a layer and bin, then all neurons together (without a depth)."""
        named = [(name, depth, *self._of(depth - 1)) for depth, name in enumerate(self.nodes, 1)]
        both = (self.spikes.sum(0), self.neuron_steps.sum(0), self.mean)
        return [
            (name, depth, step, *cells)
            for name, depth, *columns in [*named, (ALL, None, *both)]
            for step, *cells in zip(self.first_steps, *columns, strict=True)
        ]

    def _of(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.spikes[i], self.neuron_steps[i], self.rates[i]


def step_rates(run: Run) -> StepRates:
    """Spikes and neuron-steps of each spiking layer by step. Raises PlotError: no such layer."""
    nodes = tuple(some_spiking(run))
    first = np.arange(run.counts.shape[1]) * run.counts.steps_per_bin
    fired = np.stack([spikes(run, n).sum(0) for n in nodes])
    return StepRates(nodes, first, fired, np.stack([neuron_steps(run, n).sum(0) for n in nodes]))


def draw_step_rates(table: StepRates, ax: Axes | None = None) -> Axes:
    """A line a layer, from the first (dark) to the last (light), and the mean over neurons."""
    from matplotlib import colormaps

    axes = style.axes_of(ax)
    shades = colormaps["viridis"](np.linspace(0.0, 0.92, len(table.nodes)))
    dot = "." if len(table.first_steps) < 3 else ""  # a line of one point cannot be seen
    for name, rates, shade in zip(table.nodes, table.rates, shades, strict=True):
        axes.plot(table.first_steps, rates * 100, color=tuple(shade), lw=0.7, alpha=0.8, marker=dot,
                  label=f"_{name}")  # fmt: skip
    axes.plot(table.first_steps, table.mean * 100, color=style.COLOURS[1], lw=2.0, marker=dot,
              label=ALL)  # fmt: skip
    style.legend(axes, above=True)
    style.whole_ticks(axes, most=8)
    axes.margins(x=0.01)
    axes.set_ylim(bottom=0)
    _key(axes, len(table.nodes))
    return style.dress(axes, "time step", "firing rate (%)")


def _key(axes: Axes, layers: int) -> None:
    """A colour bar that says which shade is which depth."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    if layers < 2:
        return
    from matplotlib import colormaps

    shades = LinearSegmentedColormap.from_list("", colormaps["viridis"](np.linspace(0, 0.92, 64)))
    style.colour_bar(axes, ScalarMappable(Normalize(1, layers), shades), "layer of neurons", True)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0)
