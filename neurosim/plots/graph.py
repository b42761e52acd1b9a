"""A graph as a picture: data flows down, one row a depth, a colour a role."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neurosim.ir.graph import Graph, Node

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    "input": "#d9d9d9",
    "weights": "#a6cbe3",
    "product": "#c9b6dd",
    "neuron": "#f6b26b",
    "arithmetic": "#d5e8c4",
    "movement": "#f2f2f2",
    "opaque": "#e99999",
}
WIDTH, HEIGHT, ROW, COLUMN = 3.6, 0.62, 1.0, 4.2  # of a box, and from box to box; inches / SCALE
SCALE = 0.62
LANES = (0.15, 0.25, 0.35)  # of long arrows, left of a box
MARGIN = 0.3  # left of the first column beyond half a gap, for its lanes


def draw_graph(graph: Graph, ax: Axes | None = None) -> Axes:
    """One box a node (name, operator, type), one arrow an operand, dashed where it is delayed."""
    places = layout(graph)
    axes = ax if ax is not None else _axes(places)
    for node in graph.nodes:
        for edge in node.inputs:
            _arrow(axes, places[edge.node], places[node.name], edge.delay)
    for node in graph.nodes:
        _box(axes, node, places[node.name])
    _frame(axes, places)
    return axes


def svg_of(graph: Graph) -> bytes:
    """The drawing as an SVG file; text stays text, and the same graph gives the same bytes."""
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "neurosim"}):
        axes = draw_graph(graph)
        buffer = io.BytesIO()
        figure: Any = axes.figure
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def layout(graph: Graph) -> Mapping[str, tuple[float, float]]:
    """Node → (column, row): row = longest undelayed path from an input; column = its first
    operand's where that is free, else the nearest free one.
    """
    rows: dict[str, int] = {}
    taken: dict[int, set[int]] = {}
    places: dict[str, tuple[float, float]] = {}
    for node in graph.nodes:
        before = [e.node for e in node.inputs if not e.delay]
        row = max((rows[n] + 1 for n in before), default=0)
        rows[node.name] = row
        wanted = int(places[before[0]][0]) if before else 0
        busy = taken.setdefault(row, set())
        column = min((c for c in range(len(busy) + wanted + 1) if c not in busy),
                     key=lambda c: abs(c - wanted))  # fmt: skip
        busy.add(column)
        places[node.name] = (float(column), float(row))
    return places


def _axes(places: Mapping[str, tuple[float, float]]) -> Axes:
    """Axes of a figure as large as the layout; made without pyplot, so nothing needs closing."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    columns = max(x for x, _ in places.values()) + 1
    rows = max(y for _, y in places.values()) + 1
    figure = Figure(figsize=((columns * COLUMN + MARGIN) * SCALE, rows * ROW * SCALE))
    FigureCanvasSVG(figure)
    return figure.add_axes((0.0, 0.0, 1.0, 1.0))


def _centre(place: tuple[float, float]) -> tuple[float, float]:
    return place[0] * COLUMN, -place[1] * ROW


def _box(axes: Axes, node: Node, place: tuple[float, float]) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = _centre(place)
    colour = COLOURS[node.facts.role if node.facts else "movement"]
    corner = (x - WIDTH / 2, y - HEIGHT / 2)
    axes.add_patch(
        FancyBboxPatch(corner, WIDTH, HEIGHT, "round,pad=0,rounding_size=0.08", facecolor=colour,
                       edgecolor="#555555", linewidth=0.6)
    )  # fmt: skip
    axes.text(x, y + 0.13, node.name, ha="center", va="center", fontsize=7.5, weight="bold")
    axes.text(x, y - 0.15, f"{node.op}  {node.type}", ha="center", va="center", fontsize=6.5)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], delay: int) -> None:
    """Straight to the next row; anything longer, or back in time, runs left of the end's column."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    (x0, y0), (x1, y1) = _centre(start), _centre(end)
    points = [(x0, y0 - HEIGHT / 2), (x1, y1 + HEIGHT / 2)]
    if end[1] - start[1] != 1:
        lane = x1 - WIDTH / 2 - LANES[int(start[1]) % len(LANES)]
        below = y0 - ROW / 2
        points = [points[0], (x0, below), (lane, below), (lane, y1), (x1 - WIDTH / 2, y1)]
    style = {"arrowstyle": "-|>", "mutation_scale": 7, "color": "#555555", "linewidth": 0.7}
    arrow = FancyArrowPatch(
        path=Path(points), linestyle="--" if delay else "-", zorder=0.5, **style
    )
    axes.add_patch(arrow)
    if delay:
        axes.text(points[-2][0], y1 + 0.08, f"t−{delay}", fontsize=6.5, color="#555555")


def _frame(axes: Axes, places: Mapping[str, tuple[float, float]]) -> None:
    columns = max(x for x, _ in places.values())
    rows = max(y for _, y in places.values())
    axes.set_xlim(-COLUMN / 2 - MARGIN, columns * COLUMN + COLUMN / 2)
    axes.set_ylim(-rows * ROW - ROW / 2, ROW / 2)
    axes.axis("off")
