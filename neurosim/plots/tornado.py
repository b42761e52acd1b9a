"""A tornado: how far each price, alone, moves the total between its low and its high end, and how
much of the total rests on prices that came without a range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurosim.energy.sensitivity import Sensitivity
from neurosim.plots import style
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 10  # and as many prices without a range


def draw_tornado(table: Sensitivity, ax: Axes | None = None) -> Axes:
    """The widest bar on top; the line is the total at the values of all prices.

    Raises PlotError: no price has a range.
    """
    if not table.swings:
        raise PlotError("sensitivity: no price that was paid has a range; choose other hardware")
    shown, fixed = table.swings[:BARS], table.fixed[:BARS]
    axes = style.axes_of(ax, style.COLUMN * 1.3, 0.75 + 0.2 * (len(shown) + len(fixed)))
    total = table.joules_per_video * 1e3
    for place, swing in enumerate(shown):
        for side, value in ((-1, swing.low * 1e3), (1, swing.high * 1e3)):
            _half(axes, place, total, value, side)
    axes.axvline(total, color=style.INK, lw=0.8)
    for place, (_, share) in enumerate(fixed, len(shown)):
        axes.annotate(f"no range given; {share:.1%} of the total", (total, place), (4, 0),
                      textcoords="offset points", va="center", fontsize=style.SMALL,
                      color=style.INK)  # fmt: skip
    names = [*(s.price for s in shown), *(price for price, _ in fixed)]
    axes.set_yticks(range(len(names)), [name.partition(".")[2] for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.invert_yaxis()
    axes.margins(x=0.16)
    style.legend(axes, above=True)
    profile = shown[0].price.partition(".")[0]
    return style.dress(axes, f"energy on {profile} (mJ per video)", "price of")


_HALVES: dict[int, dict[str, Any]] = {
    -1: {"color": style.COLOURS[5]},
    1: {"color": style.COLOURS[1], "hatch": "//////", "edgecolor": "white", "linewidth": 0.3},
}
_NAMES = {-1: "price at its low end", 1: "price at its high end"}


def _half(axes: Axes, place: int, total: float, value: float, side: int) -> None:
    """The total at one end of a price, where that is not the total itself."""
    if abs(value - total) <= 1e-9 * abs(total):
        return
    known = axes.get_legend_handles_labels()[1]
    label = "_" if _NAMES[side] in known else _NAMES[side]
    axes.barh(place, value - total, left=total, height=0.66, label=label, **_HALVES[side])
    axes.annotate(f"{value:.3g}", (value, place), (3 * side, 0), textcoords="offset points",
                  va="center", ha="left" if side > 0 else "right", fontsize=style.SMALL,
                  color=style.INK)  # fmt: skip
