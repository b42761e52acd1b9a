"""How far every layer is from the firing rate at which its dense twin would cost as much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.plots import style
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.energy.baseline import Baseline, Compared

ROW, SIDES = 0.135, 0.95  # inches: a layer, and what is around all of them


@dataclass(frozen=True)
class TwinTable:
    """One profile: its layers and the network beside each twin."""

    compared: tuple[Compared, ...]

    columns = (
        "profile", "twin_on", "format", "passes", "layer", "op", "rate", "break_even_rate",
        "snn_joules_per_video", "twin_joules_per_video", "snn_wins", "snn_wins_if",
    )  # fmt: skip

    def rows(self) -> list[tuple[Any, ...]]:
        """One a twin and layer, the network last."""
        return [
            (c.profile, c.on, c.format, c.frames, at.name, at.op, at.rate, at.break_even,
             at.snn_joules, at.twin_joules, int(at.wins), at.said())
            for c in self.compared
            for at in (*c.layers, c.network)
        ]  # fmt: skip


def twin_table(found: Baseline) -> TwinTable:
    """Raises PlotError: no twin could be priced."""
    if not found.compared:
        raise PlotError(f"dense twin: none to draw ({'; '.join(found.missing)})")
    return TwinTable(found.compared)


def draw_twin(table: TwinTable, ax: Axes | None = None) -> Axes:
    """A row a layer: its measured rate, and the break-even rate of each twin. The spiking layer is
    cheaper where its rate is left of the mark; a rate above 1 cannot be reached.
    """
    names = [at.name for at in (*table.compared[0].layers, table.compared[0].network)]
    axes = style.axes_of(ax, style.COLUMN + 1.2, SIDES + ROW * len(names))
    places = range(len(names))
    first = table.compared[0]
    measured = [at.rate for at in (*first.layers, first.network)]
    low, high = _limits(table, measured)
    axes.axvspan(1, high, color="#EEEEEE", zorder=0, lw=0)
    axes.hlines(places, low, high, color=style.FAINT, lw=0.3, zorder=0.5)
    axes.plot([_shown(r, low, high) for r in measured], places, ls="none", marker="o",
              ms=style.DOT, color=style.INK, label="measured rate", zorder=3,
              clip_on=False)  # fmt: skip
    for look, compared in enumerate(table.compared):
        evens = [at.break_even for at in (*compared.layers, compared.network)]
        axes.plot([_shown(e, low, high) for e in evens], places, ls="none",
                  marker=style.MARKERS[look + 1], ms=style.DOT + 0.6, mfc="white",
                  mec=style.COLOURS[look], label=f"break-even, {compared.format}", zorder=2,
                  clip_on=False)  # fmt: skip
        _name_never(axes, evens, low)
    _dress(axes, names, low, high)
    on = "" if first.on == first.profile else f", twin on {first.on}"
    style.dress(axes, "firing rate into the layer (events per element and step)", "")
    axes.set_title(f"{first.profile}{on}", fontsize=style.TEXT, color=style.INK, loc="left", pad=16)
    style.legend(axes, above=True)
    return axes


def _dress(axes: Axes, names: list[str], low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.axhline(len(names) - 1.5, color=style.INK, lw=0.5)
    axes.set_yticks(range(len(names)), names)
    if high > 1.2:
        axes.text(high / 1.15, len(names) / 2, "above one event a step", fontsize=style.SMALL,
                  color=style.INK, rotation=90, ha="right", va="center")  # fmt: skip


def _name_never(axes: Axes, evens: list[float | None], low: float) -> None:
    """A mark at the left end says that no rate is low enough."""
    for place, even in enumerate(evens):
        if even == 0:
            axes.annotate("never", (low, place), (4, 0), textcoords="offset points", va="center",
                          fontsize=style.SMALL, color=style.INK)  # fmt: skip


def _limits(table: TwinTable, measured: list[float | None]) -> tuple[float, float]:
    """Powers of ten around every rate; never and always sit at the ends."""
    evens = [at.break_even for c in table.compared for at in (*c.layers, c.network)]
    rates = [r for r in (*measured, *evens) if r and math.isfinite(r)]
    low = 10 ** math.floor(math.log10(min(rates, default=0.01) * 0.8))
    return min(low, 0.1), max(10 ** math.ceil(math.log10(max(rates, default=1) * 1.2)), 10.0)


def _shown(rate: float | None, low: float, high: float) -> float:
    """Inside the picture; what is not known is left out."""
    return math.nan if rate is None else min(max(rate, low), high)
