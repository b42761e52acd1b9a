"""A tornado: how far each price, alone, moves the total between its low and its high end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.energy.sensitivity import Sensitivity
from neurosim.plots import style
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 10


def draw_tornado(table: Sensitivity, ax: Axes | None = None) -> Axes:
    """The widest bar on top; the line is the total at the values of all prices.

    Raises PlotError: no price has a range.
    """
    if not table.swings:
        fixed = ", ".join(table.fixed) or "none"
        raise PlotError(f"sensitivity: no price that was paid has a range (paid: {fixed})")
    shown = table.swings[:BARS]
    axes = style.axes_of(ax, style.COLUMN * 1.25, 0.75 + 0.24 * len(shown))
    total = table.joules_per_video * 1e3
    for place, swing in enumerate(shown):
        low, high = swing.low * 1e3, swing.high * 1e3
        axes.barh(place, low - total, left=total, color=style.COLOURS[5], height=0.66,
                  label="price at its low end" if not place else "_")  # fmt: skip
        axes.barh(place, high - total, left=total, color=style.COLOURS[1], height=0.66,
                  hatch="//////", edgecolor="white", linewidth=0.3,
                  label="price at its high end" if not place else "_")  # fmt: skip
        _end(axes, low, place, total, -1)
        _end(axes, high, place, total, 1)
    axes.axvline(total, color=style.INK, lw=0.8)
    axes.set_yticks(range(len(shown)), [s.price for s in shown])
    axes.invert_yaxis()
    axes.margins(x=0.16)
    style.legend(axes, above=True)
    return style.dress(axes, f"energy (mJ per video); {total:.3g} at the values of all prices", "")


def _end(axes: Axes, value: float, place: int, total: float, side: int) -> None:
    """The total at an end of a price, where that is not the total itself."""
    if abs(value - total) > 1e-9 * abs(total):
        axes.annotate(f"{value:.3g}", (value, place), (3 * side, 0), textcoords="offset points",
                      va="center", ha="left" if side > 0 else "right", fontsize=style.SMALL,
                      color=style.INK)  # fmt: skip
