"""Accuracy against energy: models on chips, with intervals, and what others published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.plots import style
from neurosim.plots.span import Span
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOOKS = {"match": "o", "printed_digits": "D", "mismatch": "x", "not_checkable": "s"}
_NAMES = {
    "match": "published, adds up",
    "printed_digits": "published, adds up to its digits",
    "mismatch": "published, does not add up",
    "not_checkable": "published, not checkable",
}
LABELS = 8  # published points of a panel that are all named; of more, those that none beats


@dataclass(frozen=True)
class CostPoint:
    """``accuracy`` between 0 and 1 on ``dataset``. ``verdict``: of a published point (match,
    printed_digits, mismatch or not_checkable); empty for one of ours. ``views``: forwards a video.
    """

    model: str
    chip: str
    dataset: str
    accuracy: Span
    joules_per_video: Span
    views: int = 1
    verdict: str = ""


@dataclass(frozen=True)
class CostScatter:
    """Accuracies on different data are not comparable: a panel each."""

    points: tuple[CostPoint, ...]

    columns = (
        "model", "chip", "dataset", "views", "accuracy", "accuracy_low", "accuracy_high",
        "joules_per_video", "joules_per_video_low", "joules_per_video_high", "published_verdict",
    )  # fmt: skip

    @property
    def datasets(self) -> tuple[str, ...]:
        """In the order of the points."""
        return tuple(dict.fromkeys(p.dataset for p in self.points))

    def rows(self) -> list[tuple[Any, ...]]:
        """One a point."""
        return [
            (p.model, p.chip, p.dataset, p.views, *_cells(p.accuracy), *_cells(p.joules_per_video),
             p.verdict)
            for p in self.points
        ]  # fmt: skip


def draw_scatter(table: CostScatter) -> Figure:
    """A panel a data set: a colour a model, a marker a chip, published points in grey.

    Raises PlotError: no point at all.
    """
    if not table.points:
        raise PlotError("accuracy and energy: no model with a known accuracy; evaluate one first")
    panels = table.datasets
    height = 2.9 * len(panels)
    figure = style.new_figure(style.COLUMN + 2.2, height)
    for ax, dataset in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
        _panel(ax, [p for p in table.points if p.dataset == dataset], table, dataset)
    return figure


def _panel(ax: Axes, points: Sequence[CostPoint], table: CostScatter, dataset: str) -> None:
    published = [p for p in points if p.verdict]
    for verdict, marker in _LOOKS.items():
        of = [p for p in published if p.verdict == verdict]
        if of:
            ax.plot(*_places(of), ls="none", marker=marker, ms=style.DOT + 0.6, mew=0.8,
                    mfc="white", color="#888888", label=_NAMES[verdict], zorder=1)  # fmt: skip
    for point in published if len(published) <= LABELS else unbeaten(published):
        _name(ax, point)
    models, chips = (tuple(dict.fromkeys(names)) for names in _names(table))
    ours = [p for p in points if not p.verdict]
    for point in ours:
        _ours(ax, point, models.index(point.model), chips.index(point.chip))
    for look, model in enumerate(models):
        if any(p.model == model for p in ours):
            ax.plot([], [], lw=3, color=style.COLOURS[look % len(style.COLOURS)], label=model)
    for look, chip in enumerate(chips):
        if any(p.chip == chip for p in ours):
            marker = style.MARKERS[look % len(style.MARKERS)]
            ax.plot([], [], ls="none", marker=marker, ms=style.DOT + 1, color=style.INK, label=chip)
    _dress(ax, dataset)


def _names(table: CostScatter) -> tuple[list[str], list[str]]:
    """Models and chips of our own points: one look each in all panels."""
    ours = [p for p in table.points if not p.verdict]
    return [p.model for p in ours], [p.chip for p in ours]


def unbeaten(points: Sequence[CostPoint]) -> list[CostPoint]:
    """Points that no other one beats: none as cheap is more accurate."""
    best: list[CostPoint] = []
    for point in sorted(points, key=lambda p: (p.joules_per_video.mean, -p.accuracy.mean)):
        if not best or point.accuracy.mean > best[-1].accuracy.mean:
            best.append(point)
    return best


def _ours(ax: Axes, point: CostPoint, model: int, chip: int) -> None:
    x, y = point.joules_per_video.scaled(1e3), point.accuracy.scaled(100)
    colour = style.COLOURS[model % len(style.COLOURS)]
    ax.errorbar([x.mean], [y.mean], xerr=style.bars([x]), yerr=style.bars([y]), color=colour,
                fmt=style.MARKERS[chip % len(style.MARKERS)], ms=style.DOT + 1, elinewidth=0.7,
                capsize=1.5, zorder=3)  # fmt: skip
    if point.views > 1:
        ax.annotate(f"{point.views} views", (x.mean, y.mean), (5, 0), textcoords="offset points",
                    va="center", fontsize=style.SMALL - 1, color=colour)  # fmt: skip


def _name(ax: Axes, point: CostPoint) -> None:
    """Beside a published point."""
    place = point.joules_per_video.mean * 1e3, point.accuracy.mean * 100
    ax.annotate(point.model, place, (4, 1), textcoords="offset points", va="bottom",
                fontsize=style.SMALL - 1, color="#666666")  # fmt: skip


def _dress(ax: Axes, dataset: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda mj, _: f"{mj:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(x=0.15, y=0.16)
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, 0), min(high, 101))  # no accuracy is above 100 %
    style.dress(ax, "energy (mJ per video)", f"top-1 on {dataset} (%)")
    handles, names = ax.get_legend_handles_labels()
    ax.legend(handles, names, fontsize=style.SMALL, frameon=False, labelcolor=style.INK,
              loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.4)  # fmt: skip


def _places(points: Sequence[CostPoint]) -> tuple[list[float], list[float]]:
    """(mJ per video, percent)."""
    return [p.joules_per_video.mean * 1e3 for p in points], [p.accuracy.mean * 100 for p in points]


def _cells(span: Span) -> tuple[float, float, float]:
    return span.mean, span.low, span.high
