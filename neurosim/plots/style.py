"""How every picture looks, and how one becomes a file; made without pyplot, so nothing needs
closing.

Colours: Okabe and Ito, Color Universal Design (2008), told apart with every kind of colour
blindness; a colour never stands alone (a marker or a dash goes with it).
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import NeurosimError, StoreError
from neurosim.ir.store import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurosim.plots.span import Span

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 2)))
INK, FAINT = "#333333", "#BBBBBB"
COLUMN = 3.5  # inches: one column of a two-column page
TEXT, SMALL = 7.5, 6.5  # points
LINE, DOT = 1.0, 3.2
DPI = 300
FORMATS = ("png", "svg", "pdf")
_NO_DATES: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class PlotError(NeurosimError, ValueError):
    """A picture that the data at hand cannot give."""


def new_figure(width: float = COLUMN, height: float = 2.2) -> Figure:
    """An empty figure of so many inches that keeps its labels inside."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def axes_of(ax: Axes | None, width: float = COLUMN, height: float = 2.2) -> Axes:
    """``ax``, or the axes of a new figure."""
    return new_figure(width, height).subplots() if ax is None else ax


def dress(ax: Axes, x: str, y: str, title: str = "") -> Axes:
    """Labels (with units), small ticks, and no frame where no data can be."""
    ax.set_xlabel(x, fontsize=TEXT, color=INK)
    ax.set_ylabel(y, fontsize=TEXT, color=INK)
    if title:
        ax.set_title(title, fontsize=TEXT, color=INK, loc="left")
    ax.tick_params(labelsize=SMALL, color=INK, labelcolor=INK, width=0.6, length=2.5)
    ax.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set(color=INK, linewidth=0.6)
    return ax


def letters(figure: Figure) -> None:
    """a, b, c … at the top left of every panel, as journals want them."""
    for letter, ax in zip("abcdefghij", figure.axes, strict=False):
        ax.set_title(letter, fontsize=TEXT + 1, color=INK, loc="left", fontweight="bold", pad=4)


def legend(ax: Axes, above: bool = False) -> None:
    """A frameless legend where it hides least, or ``above`` the axes."""
    handles, names = ax.get_legend_handles_labels()
    place: dict[str, Any] = {"loc": "best"}
    if above:
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": max(1, len(names))}
    ax.legend(handles, names, fontsize=SMALL, frameon=False, labelcolor=INK, handletextpad=0.4,
              borderaxespad=0.2, labelspacing=0.3, **place)  # fmt: skip


def whole_ticks(ax: Axes, x: bool = True, y: bool = False, most: int = 6) -> None:
    """Ticks at whole numbers alone: layers, steps and epochs have no halves."""
    from matplotlib.ticker import MaxNLocator

    for axis, wanted in ((ax.xaxis, x), (ax.yaxis, y)):
        if wanted:
            axis.set_major_locator(
                MaxNLocator(most, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
            )


def colour_bar(ax: Axes, shades: Any, label: str, whole: bool = False) -> None:
    """What the colours of ``ax`` mean; ``whole``: in whole numbers."""
    bar = ax.figure.colorbar(shades, ax=ax, pad=0.02, aspect=25)
    bar.set_label(label, fontsize=TEXT, color=INK)
    bar.ax.tick_params(labelsize=SMALL, color=INK, labelcolor=INK, width=0.6, length=2.5)
    bar.outline.set_visible(False)  # type: ignore[operator]
    if whole:
        whole_ticks(bar.ax, x=False, y=True)


def bars(spans: Sequence[Span]) -> list[list[float]]:
    """Error bars (below, above) of matplotlib; none where the bounds are not known."""
    return [[s.mean - s.low for s in spans], [s.high - s.mean for s in spans]]


def with_bars(ax: Axes, x: Sequence[float], spans: Sequence[Span], look: int, name: str) -> None:
    """A line with markers and an error bar at each, in the ``look``-th colour and marker."""
    ax.errorbar(x, [s.mean for s in spans], yerr=bars(spans), label=name, color=COLOURS[look],
                marker=MARKERS[look], ms=DOT, lw=LINE, elinewidth=0.7, capsize=1.8)  # fmt: skip


def save(figure: Figure | Axes, path: str | Path) -> Path:
    """Write a .png (300 dpi), .svg (text as text) or .pdf, whole or not at all; the same picture
    gives the same bytes.

    Raises StoreError: another ending, a folder that does not exist or cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        found = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise StoreError(f"{path}: {found}; name it .png, .svg or .pdf")
    check_folder(path)
    return write_atomically(path, rendered(figure, kind))


def rendered(figure: Figure | Axes, kind: str) -> bytes:
    """The picture as the bytes of a file of ``kind``: png, svg or pdf."""
    import matplotlib

    whole: Any = figure.figure if hasattr(figure, "plot") else figure
    buffer = io.BytesIO()
    fixed: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "neurosim", "pdf.fonttype": 42}
    with matplotlib.rc_context(fixed):
        whole.savefig(buffer, format=kind, dpi=DPI, metadata=_NO_DATES[kind])
    return buffer.getvalue()


def check_folder(path: Path) -> None:
    """Raise StoreError where the folder of ``path`` does not exist: none is made in passing."""
    if not path.parent.is_dir():
        raise StoreError(f"{path}: no such folder; make it, or name a file elsewhere")
