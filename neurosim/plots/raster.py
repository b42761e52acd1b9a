"""Who fires when: the spikes of one layer on one clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.ir.run import Run
from neurosim.plots import style
from neurosim.plots.activity import recorded
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 80  # neurons whose strokes can be told apart in one column


@dataclass(frozen=True)
class Raster:
    """Spike i: neuron ``neuron[i]`` (its place in the flat layer) fires at step ``step[i]``."""

    node: str
    sample: int
    neurons: int
    steps: int
    step: np.ndarray  # (spikes,) int64, ascending
    neuron: np.ndarray  # (spikes,) int64

    columns = ("node", "sample", "step", "neuron")

    def rows(self) -> list[tuple[Any, ...]]:
        """One a spike."""
        return [(self.node, self.sample, t, n) for t, n in zip(self.step, self.neuron, strict=True)]


def spike_raster(run: Run, node: str, sample: int = 0) -> Raster:
    """All spikes of a layer on clip ``sample`` of the run.

    Raises UnknownName: no such layer. PlotError: spikes not recorded, or no such clip.
    """
    fired = recorded(run, node)
    if not 0 <= sample < fired.shape[1]:
        raise PlotError(f"clip {sample}: the run has clips 0 to {fired.shape[1] - 1}; name one")
    step, neuron = np.nonzero(fired[:, sample])
    return Raster(node, sample, fired.shape[2], fired.shape[0], step, neuron)


def draw_raster(table: Raster, ax: Axes | None = None, shown: int = SHOWN) -> Axes:
    """A stroke a spike; of a large layer ``shown`` neurons, evenly spread over it."""
    axes = style.axes_of(ax, style.COLUMN, 2.4)
    chosen = spread(table.neurons, shown)
    seen, half = np.isin(table.neuron, chosen), 0.42 * table.neurons / len(chosen)
    x, y = table.step[seen], table.neuron[seen]
    axes.vlines(x, y - half, y + half, color=style.COLOURS[0], lw=1.2)
    axes.set_xlim(-0.5, table.steps - 0.5)
    axes.set_ylim(-2 * half, table.neurons - 1 + 2 * half)
    style.whole_ticks(axes, y=True, most=8)
    of = f" ({len(chosen)} of {table.neurons:,} shown)" * (len(chosen) < table.neurons)
    return style.dress(axes, "time step", f"neuron{of}", f"{table.node}, clip {table.sample}")


def spread(neurons: int, shown: int) -> np.ndarray:
    """At most ``shown`` of the numbers 0 … neurons − 1, evenly spaced."""
    number = min(neurons, shown)
    return np.arange(number) * neurons // max(1, number)
