"""What noise in the clip does to accuracy and to energy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots import style
from neurosim.plots.span import Span, over_seeds
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class NoiseSample:
    """One evaluation: ``level`` 0 is the clean clip; ``accuracy`` between 0 and 1."""

    kind: str
    level: float
    seed: int
    accuracy: float
    joules_per_video: float


@dataclass(frozen=True)
class NoisePoint:
    """All seeds of one kind and level. ``retained``: accuracy over that of clean clips."""

    kind: str
    level: float
    seeds: int
    accuracy: Span
    retained: Span
    joules_per_video: Span


@dataclass(frozen=True)
class NoiseTable:
    """By kind, then by level."""

    points: tuple[NoisePoint, ...]

    columns = (
        "kind", "level", "seeds",
        "accuracy", "accuracy_low", "accuracy_high",
        "retained", "retained_low", "retained_high",
        "joules_per_video", "joules_per_video_low", "joules_per_video_high",
    )  # fmt: skip

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of noise, in the order they came."""
        return tuple(dict.fromkeys(p.kind for p in self.points))

    def rows(self) -> list[tuple[Any, ...]]:
        """One a kind and level."""
        return [
            (p.kind, p.level, p.seeds, *_cells(p.accuracy), *_cells(p.retained),
             *_cells(p.joules_per_video))
            for p in self.points
        ]  # fmt: skip


def noise_table(samples: Iterable[NoiseSample], confidence: float = 0.95) -> NoiseTable:
    """Means over seeds with Student's intervals; ``retained`` against the mean accuracy at level 0.

    Raises PlotError: no clean evaluation, or one that got nothing right.
    """
    given = list(samples)
    clean = [s.accuracy for s in given if s.level == 0]
    if not clean or not any(clean):
        found = "none at level 0" if not clean else "accuracy 0 at level 0"
        raise PlotError(f"noise: {found}; accuracy retained needs an evaluation of clean clips")
    groups: dict[tuple[str, float], list[NoiseSample]] = {}
    kinds = list(dict.fromkeys(s.kind for s in given))
    for s in sorted(given, key=lambda s: (kinds.index(s.kind), s.level)):
        groups.setdefault((s.kind, s.level), []).append(s)
    reference = float(np.mean(clean))
    return NoiseTable(tuple(_point(group, reference, confidence) for group in groups.values()))


def _point(group: Sequence[NoiseSample], clean: float, confidence: float) -> NoisePoint:
    accuracy = over_seeds([s.accuracy for s in group], confidence)
    joules = over_seeds([s.joules_per_video for s in group], confidence)
    first = group[0]
    return NoisePoint(
        first.kind, first.level, len(group), accuracy, accuracy.scaled(1 / clean), joules
    )


def noise_robustness(table: NoiseTable, profile: str = "") -> Figure:
    """Above, accuracy retained; below, mJ per video on ``profile``; a column a kind of noise, since
    their levels are of different units. Bars: the intervals over seeds."""
    kinds = table.kinds
    figure = style.new_figure(max(style.COLUMN, 1.75 * len(kinds)), 3.0)
    panels = figure.subplots(2, len(kinds), squeeze=False, sharex="col", sharey="row")
    for column, kind in enumerate(kinds):
        draw_retained(table, kind, panels[0, column])
        draw_energy(table, kind, panels[1, column], profile)
        panels[0, column].set_title(kind, fontsize=style.TEXT, color=style.INK)
        panels[0, column].set_xlabel("")
        if column:
            for row in range(2):
                panels[row, column].set_ylabel("")
    return figure


def draw_retained(table: NoiseTable, kind: str, ax: Axes | None = None) -> Axes:
    """Accuracy over that of clean clips, in percent, by level of one kind of noise."""
    axes = style.axes_of(ax)
    axes.axhline(100, color=style.FAINT, lw=0.6, zorder=0)
    _line(axes, table, kind, lambda p: p.retained.scaled(100))
    return style.dress(axes, "noise level", "accuracy retained (%)")


def draw_energy(table: NoiseTable, kind: str, ax: Axes | None = None, profile: str = "") -> Axes:
    """mJ per video by level of one kind of noise."""
    axes = style.axes_of(ax)
    _line(axes, table, kind, lambda p: p.joules_per_video.scaled(1e3))
    return style.dress(axes, "noise level", "mJ per video" + f"\non {profile}" * bool(profile))


def _line(axes: Axes, table: NoiseTable, kind: str, value: Any) -> None:
    points = [p for p in table.points if p.kind == kind]
    i = table.kinds.index(kind) % len(style.COLOURS)
    spans = [value(p) for p in points]
    style.with_bars(axes, [p.level for p in points], spans, i, kind)
    every = [value(p) for p in table.points]  # panels of a row share their axis
    top = max(x for span in every for x in (span.mean, span.high) if not math.isnan(x))
    axes.set_ylim(0, 1.08 * top or 1)


def _cells(span: Span) -> tuple[float, float, float]:
    return span.mean, span.low, span.high
