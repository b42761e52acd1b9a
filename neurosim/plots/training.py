"""How a training went: loss, accuracy and mean firing rate by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neurosim.plots import style
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Series = Mapping[str, Sequence[float]]  # name (train, validation) → a value an epoch, from epoch 1


@dataclass(frozen=True)
class TrainingCurves:
    """NaN in an epoch in which something was not measured; {} where it never was. ``accuracy`` and
    ``firing_rate`` between 0 and 1."""

    loss: Series = field(default_factory=dict)
    accuracy: Series = field(default_factory=dict)
    firing_rate: Series = field(default_factory=dict)

    columns = ("quantity", "series", "epoch", "value")

    def rows(self) -> list[tuple[Any, ...]]:
        """One a quantity, series and epoch."""
        return [
            (quantity, name, epoch, float(value))
            for quantity in ("loss", "accuracy", "firing_rate")
            for name, values in getattr(self, quantity).items()
            for epoch, value in enumerate(values, 1)
        ]


def training_curves(curves: TrainingCurves) -> Figure:
    """A panel a quantity that was measured, epochs below each other. Raises PlotError: none was."""
    panels = [
        (curves.loss, "loss", 1.0),
        (curves.accuracy, "accuracy (%)", 100.0),
        (curves.firing_rate, "firing rate (%)", 100.0),
    ]
    kept = [p for p in panels if p[0]]
    if not kept:
        raise PlotError("training: no loss, accuracy or firing rate; give at least one of them")
    figure = style.new_figure(style.COLUMN, 0.5 + 1.2 * len(kept))
    axes = figure.subplots(len(kept), 1, squeeze=False, sharex=True)[:, 0]
    for ax, (series, label, scale) in zip(axes, kept, strict=True):
        draw_curves(series, label, ax, scale)
        if ax is not axes[-1]:
            ax.set_xlabel("")
    figure.align_ylabels()
    return figure


def draw_curves(series: Series, label: str, ax: Axes | None = None, scale: float = 1.0) -> Axes:
    """One quantity: a line a series, values times ``scale``."""
    axes = style.axes_of(ax)
    for i, (name, values) in enumerate(series.items()):
        look = i % len(style.COLOURS)
        axes.plot(range(1, len(values) + 1), [v * scale for v in values], label=name,
                  lw=1.2, color=style.COLOURS[look], ls=style.DASHES[look],
                  marker="." if len(values) < 3 else "")  # fmt: skip
    style.whole_ticks(axes)
    if len(series) > 1:
        style.legend(axes)
    return style.dress(axes, "epoch", label)
