"""Neurons that never fire, and neurons that fire at every step, by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.ir.run import Run
from neurosim.plots import style
from neurosim.plots.activity import recorded, recorded_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Extremes:
    """One layer: how many of its neurons are silent (never fire) or saturated (fire at every step),
    over all clips."""

    node: str
    depth: int
    neurons: int
    silent: int
    saturated: int


@dataclass(frozen=True)
class ExtremeTable:
    """The recorded layers."""

    layers: tuple[Extremes, ...]
    clips: int
    steps: int

    columns = ("node", "depth", "neurons", "silent", "saturated", "silent_share", "saturated_share")

    def rows(self) -> list[tuple[Any, ...]]:
        """One a layer."""
        return [
            (x.node, x.depth, x.neurons, x.silent, x.saturated,
             x.silent / x.neurons, x.saturated / x.neurons)
            for x in self.layers
        ]  # fmt: skip


def silent_neurons(run: Run) -> ExtremeTable:
    """From the recorded spikes. Raises PlotError: none were recorded."""
    layers: list[Extremes] = []
    for node, depth in recorded_layers(run).items():
        fired = recorded(run, node)
        silent = int((~fired.any((0, 1))).sum())
        layers.append(Extremes(node, depth, fired.shape[2], silent, int(fired.all((0, 1)).sum())))
    return ExtremeTable(tuple(layers), run.samples, run.steps)


def draw_silent(table: ExtremeTable, ax: Axes | None = None) -> Axes:
    """Share of each layer's neurons: silent from below, saturated on top of them."""
    axes = style.axes_of(ax)
    depths = [x.depth for x in table.layers]
    silent = [100 * x.silent / x.neurons for x in table.layers]
    saturated = [100 * x.saturated / x.neurons for x in table.layers]
    axes.bar(depths, silent, 0.8, color=style.COLOURS[0], label="never fires")
    axes.bar(depths, saturated, 0.8, silent, color=style.COLOURS[4], hatch="////",
             edgecolor="white", lw=0, label="fires at every step")  # fmt: skip
    axes.set_xlim(min(depths) - 0.8, max(depths) + 0.8)
    axes.set_ylim(0, _top(silent, saturated))
    style.whole_ticks(axes)
    clips = f"{table.clips} clip{'s' * (table.clips != 1)} × {table.steps} steps"
    style.legend(axes, above=True)
    return style.dress(axes, "layer of neurons", f"neurons (%)\nover {clips}")


def _top(silent: list[float], saturated: list[float]) -> float:
    """At most 100 %, and never an empty axis."""
    most = max(a + b for a, b in zip(silent, saturated, strict=True))
    return min(100.0, 1.1 * most) if most else 1.0
