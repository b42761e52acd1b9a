"""The firing rates and time constants of a network in one figure, as SVFormer's Figure 3 shows
them (Yu et al., arXiv 2406.15034): both by depth, and both as histograms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots import style
from neurosim.plots.rates import BLOCKS, OTHER, LayerRate, RateTable, Source, rate_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = (*BLOCKS, OTHER)
RATE, TAU, DEPTH = "firing rate (%)", "membrane τ (steps)", "layer of neurons"
BINS = 10


def firing_rates(source: Source | RateTable) -> Figure:
    """Rate by depth, τ by depth, and both histograms; without τ where none is known.

    ``source``: what ``rate_table`` takes, or its table. Raises RatesError.
    """
    table = source if isinstance(source, RateTable) else rate_table(source)
    columns = 2 if table.taus else 1
    figure = style.new_figure(style.COLUMN, 3.3)
    panels = figure.subplots(2, columns, squeeze=False)
    draw_rate_by_depth(table, panels[0, 0])
    draw_rate_histogram(table, panels[1, 0])
    if table.taus:
        draw_tau_by_depth(table, panels[0, 1])
        draw_tau_histogram(table, panels[1, 1])
    _one_legend(figure, panels[0, 0])
    style.letters(figure)
    return figure


def draw_rate_by_depth(table: RateTable, ax: Axes | None = None) -> Axes:
    """Firing rate of each layer in percent, a marker a kind of block, and the mean over neurons."""
    axes = _by_depth(table, lambda x: x.rate * 100, ax)
    mean = table.mean_rate_of_neurons
    _level(axes, 100 * (table.mean_rate if mean is None else mean))
    return style.dress(axes, DEPTH, RATE)


def draw_tau_by_depth(table: RateTable, ax: Axes | None = None) -> Axes:
    """τ of each layer in steps, with its range where neurons differ; gaps where none is known."""
    axes = _by_depth(table, lambda x: x.tau.mean if x.tau else np.nan, ax)
    for layer in table.layers:
        if layer.tau and np.isfinite(layer.tau.high) and layer.tau.high > layer.tau.low:
            span = [layer.tau.low, layer.tau.high]
            axes.plot([layer.depth] * 2, span, color=style.FAINT, lw=style.LINE, zorder=1)
    if table.mean_tau is not None:
        _level(axes, table.mean_tau)
    return style.dress(axes, DEPTH, TAU)


def draw_rate_histogram(table: RateTable, ax: Axes | None = None) -> Axes:
    """Number of layers by firing rate."""
    return _histogram(np.asarray(table.rates) * 100, RATE, ax, first=0.0)


def draw_tau_histogram(table: RateTable, ax: Axes | None = None) -> Axes:
    """Number of layers by time constant."""
    return _histogram(np.asarray(table.taus), TAU, ax)


def _by_depth(table: RateTable, value: Callable[[LayerRate], float], ax: Axes | None) -> Axes:
    axes = style.axes_of(ax)
    depths = [x.depth for x in table.layers]
    values = np.array([value(x) for x in table.layers])
    values[~np.isfinite(values)] = np.nan
    axes.plot(depths, values, color=style.FAINT, lw=0.7, zorder=1, label="_line")
    for i, (kind, here) in enumerate(_by_kind(table).items()):
        axes.plot(np.take(depths, here), values[here], ls="none", marker=style.MARKERS[i],
                  ms=style.DOT, color=style.COLOURS[i], mew=0, label=kind)  # fmt: skip
    style.whole_ticks(axes)
    axes.set_xlim(0.2, len(depths) + 0.8)
    axes.set_ylim(bottom=0)
    return axes


def _by_kind(table: RateTable) -> dict[str, list[int]]:
    """Kind of block → indices of its layers; "layer" where all are of one kind."""
    found = {k: [i for i, x in enumerate(table.layers) if x.block == k] for k in KINDS}
    found = {kind: here for kind, here in found.items() if here}
    return found if len(found) > 1 else {"layer": list(range(len(table.layers)))}


def _level(axes: Axes, value: float) -> None:
    """The mean, as a thin dashed line."""
    axes.axhline(value, color=style.INK, lw=0.6, ls="--", zorder=0.5, label="mean")


def _histogram(values: np.ndarray, label: str, ax: Axes | None, first: float | None = None) -> Axes:
    """Bins of a round width, about ten of them."""
    axes = style.axes_of(ax)
    axes.hist(values, bins=list(edges(values, first)), color=style.COLOURS[5], edgecolor="white",
              linewidth=0.5)  # fmt: skip
    style.whole_ticks(axes, x=False, y=True, most=5)
    return style.dress(axes, label, "layers")


def edges(values: np.ndarray, first: float | None = None) -> np.ndarray:
    """Borders of about ten bins of width 1, 2 or 5 · 10^n that hold all values."""
    low = float(values.min(initial=np.inf)) if first is None else first
    high = float(values.max(initial=-np.inf))
    if not high > low:
        return np.array([low - 0.5, low + 0.5]) if np.isfinite(low) else np.array([0.0, 1.0])
    exact = (high - low) / BINS
    power = 10.0 ** np.floor(np.log10(exact))
    width = power * min((m for m in (1, 2, 5, 10) if m * power >= exact * (1 - 1e-9)), default=10)
    start, end = np.floor(low / width), np.floor(high / width) + 1
    return np.arange(start, end + 1) * width


def _one_legend(figure: Figure, axes: Axes) -> None:
    """The kinds of block and the mean, once for all panels."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names), frameon=False,
                  fontsize=style.SMALL, labelcolor=style.INK, handletextpad=0.3, handlelength=1.4,
                  columnspacing=0.9)  # fmt: skip
