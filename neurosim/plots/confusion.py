"""Which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots import style
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WRITTEN = 15  # classes whose shares are written into their cells


@dataclass(frozen=True)
class Confusion:
    """``counts[i, j]``: clips of class i that were called class j."""

    names: tuple[str, ...]
    counts: np.ndarray  # (classes, classes) int64

    columns = ("class", "predicted", "clips", "share")

    @property
    def shares(self) -> np.ndarray:
        """Of the clips of each class, row by row; NaN for a class without a clip."""
        clips = self.counts.sum(1, keepdims=True)
        return np.divide(
            self.counts, clips, out=np.full(self.counts.shape, np.nan), where=clips > 0
        )

    @property
    def accuracy(self) -> float:
        """Clips that were called what they are."""
        return float(np.trace(self.counts) / self.counts.sum())

    def rows(self) -> list[tuple[Any, ...]]:
        """One a pair of classes."""
        shares, pairs = self.shares, np.ndindex(*self.counts.shape)
        return [(self.names[i], self.names[j], self.counts[i, j], shares[i, j]) for i, j in pairs]


def confusion_matrix(
    labels: Sequence[int], predictions: Sequence[int], names: Sequence[str]
) -> Confusion:
    """Both as indices into ``names``. Raises PlotError: unequal lengths, none, or no such class."""
    if len(labels) != len(predictions) or not len(labels):
        raise PlotError(
            f"{len(labels)} labels, {len(predictions)} predictions; give one each a clip"
        )
    for given in (*labels, *predictions):
        if not 0 <= given < len(names):
            raise PlotError(f"class {given}: only {len(names)} names; name every class")
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, (np.asarray(labels), np.asarray(predictions)), 1)
    return Confusion(tuple(names), counts)


def draw_confusion(table: Confusion, ax: Axes | None = None) -> Axes:
    """Rows: what a clip is; columns: what it was called; shade and figure: percent of the row."""
    number = len(table.names)
    axes = style.axes_of(ax, style.COLUMN, style.COLUMN * (0.9 if number <= WRITTEN else 0.8))
    percent = 100 * table.shares
    image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
    if number <= WRITTEN:
        _write(axes, percent)
        axes.set_yticks(range(number), table.names)
        axes.set_xticks(range(number), table.names, rotation=90)
    else:
        style.whole_ticks(axes, y=True)
        style.colour_bar(axes, image, "clips of the class (%)")
    style.dress(axes, "called", "class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return axes


def _write(axes: Axes, percent: np.ndarray) -> None:
    for i, j in np.ndindex(*percent.shape):
        if percent[i, j] > 0:
            ink = "white" if percent[i, j] > 55 else style.INK
            axes.text(j, i, f"{percent[i, j]:.0f}", ha="center", va="center", color=ink,
                      fontsize=style.SMALL - 0.5)  # fmt: skip
