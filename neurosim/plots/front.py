"""What accuracy costs: models, or one model trained with several weights on its energy, in the
plane of accuracy and energy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.plots import style
from neurosim.plots.span import Span
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class EnergyPoint:
    """``label``: the energy weight, or a model's name. ``accuracy`` between 0 and 1."""

    label: str
    accuracy: Span
    joules_per_video: Span


@dataclass(frozen=True)
class EnergyFront:
    """The points as they came."""

    points: tuple[EnergyPoint, ...]

    columns = (
        "label", "accuracy", "accuracy_low", "accuracy_high",
        "joules_per_video", "joules_per_video_low", "joules_per_video_high", "on_front",
    )  # fmt: skip

    @property
    def front(self) -> tuple[EnergyPoint, ...]:
        """By energy: the points that no other one beats, at least as accurate and no dearer."""
        ranked = sorted(self.points, key=lambda p: (p.joules_per_video.mean, -p.accuracy.mean))
        kept: list[EnergyPoint] = []
        for point in ranked:
            if not kept or point.accuracy.mean > kept[-1].accuracy.mean:
                kept.append(point)
        return tuple(kept)

    def rows(self) -> list[tuple[Any, ...]]:
        """One a point; ``on_front`` 1 or 0."""
        best = self.front
        return [
            (p.label, *_cells(p.accuracy), *_cells(p.joules_per_video), int(p in best))
            for p in self.points
        ]


def energy_front(points: Iterable[EnergyPoint]) -> EnergyFront:
    """Raises PlotError: no point at all."""
    found = EnergyFront(tuple(points))
    if not found.points:
        raise PlotError("accuracy and energy: no point at all; give at least one model")
    return found


def draw_front(table: EnergyFront, ax: Axes | None = None, profile: str = "") -> Axes:
    """A point a model, labelled beyond its interval, filled on the front and hollow behind it, and
    the front as a line."""
    axes = style.axes_of(ax, style.COLUMN, 2.5)
    best = table.front
    axes.plot(*_places(best), color=style.FAINT, lw=style.LINE, zorder=1, label="front")
    ranked = sorted(table.points, key=lambda p: p.joules_per_video.mean)
    for number, point in enumerate(ranked):
        x, y = point.joules_per_video.scaled(1e3), point.accuracy.scaled(100)
        fill = style.COLOURS[0] if point in best else "white"
        axes.errorbar([x.mean], [y.mean], xerr=style.bars([x]), yerr=style.bars([y]), fmt="o",
                      ms=4.5, mfc=fill, mec=style.COLOURS[0], ecolor=style.COLOURS[0],
                      elinewidth=0.7, capsize=1.5)  # fmt: skip
        above = number % 2 == 0  # neighbours' labels keep clear of each other
        end = y.high if above else y.low
        place = y.mean if math.isnan(end) else end
        axes.annotate(point.label, (x.mean, place), (0, 4 if above else -4),
                      textcoords="offset points", ha="center", va="bottom" if above else "top",
                      fontsize=style.SMALL, color=style.INK)  # fmt: skip
    axes.margins(x=0.1, y=0.14)
    place = f" on {profile}" if profile else ""
    return style.dress(axes, f"energy{place} (mJ per video)", "accuracy (%)")


def _places(points: Sequence[EnergyPoint]) -> tuple[list[float], list[float]]:
    """(mJ per video, percent)."""
    return [p.joules_per_video.mean * 1e3 for p in points], [p.accuracy.mean * 100 for p in points]


def _cells(span: Span) -> tuple[float, float, float]:
    return span.mean, span.low, span.high
