"""A placed run in pictures: how busy cores and links are, and how long each step takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.ir.run import Run
from neurosim.mapping.placement import Placement
from neurosim.plots import style
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WAYS = ("east", "west", "north", "south")


@dataclass(frozen=True)
class CoreLoad:
    """Seconds of work of each used core in one clip; ``x``, ``y``: where its tile lies."""

    core: np.ndarray
    x: np.ndarray
    y: np.ndarray
    neurons: np.ndarray
    seconds: np.ndarray
    layers: tuple[str, ...]
    per_tile: int
    size: tuple[int, int]

    columns = ("core", "tile_x", "tile_y", "neurons", "busy_seconds", "layers")

    def rows(self) -> list[tuple[Any, ...]]:
        """One a core."""
        found = zip(self.core, self.x, self.y, self.neurons, self.seconds, self.layers, strict=True)
        return list(found)


def core_load(placement: Placement, run: Run) -> CoreLoad:
    """Generation and processing of each core, whichever is longer in each step, summed over steps.

    Raises PlotError: a chip whose steps take a fixed time tells nothing of its cores.
    """
    timing = placement.timing(run)
    if timing.generation is None or timing.processing is None:
        raise PlotError(
            f"{placement.profile.name} has a fixed step: its cores' times are not known"
        )
    x, y = placement.mesh.place(placement.at)
    seconds = np.maximum(timing.generation, timing.processing).sum(axis=0)
    order = np.argsort(placement.at)
    on: list[list[str]] = [[] for _ in placement.at]
    for name, cores in placement.cores.items():
        for core in np.unique(cores):
            on[core].append(name)
    named = tuple(" ".join(on[i]) for i in order)
    neurons = placement.use.get("neurons", np.zeros(len(placement.at)))
    return CoreLoad(placement.at[order], x[order], y[order], neurons[order], seconds[order], named,
                    placement.mesh.per_tile, placement.mesh.size)  # fmt: skip


def draw_core_load(table: CoreLoad, ax: Axes | None = None) -> Axes:
    """A cell a core, the cores of a tile in a square, shaded by their time; unused ones grey."""
    from matplotlib import colormaps

    side = math.ceil(math.sqrt(table.per_tile))
    width, height = table.size
    grid = np.full((height * side, width * side), np.nan)
    slot = table.core % table.per_tile
    grid[table.y * side + slot // side, table.x * side + slot % side] = table.seconds * 1e6
    axes = style.axes_of(ax, style.COLUMN, 0.6 + style.COLUMN * 0.72 * height / width)
    shades = colormaps["viridis"].with_extremes(bad="#E8E8E8")
    image = axes.imshow(grid, origin="lower", cmap=shades, vmin=0.0, interpolation="nearest",
                        extent=(-0.5, width - 0.5, -0.5, height - 0.5))  # fmt: skip
    _tile_lines(axes, width, height)
    style.colour_bar(axes, image, "work of a core (µs per clip)")
    style.whole_ticks(axes, y=True)
    return style.dress(axes, "tile, west to east", "tile, south to north")


def _tile_lines(axes: Axes, width: int, height: int) -> None:
    if max(width, height) > 64:
        return
    for x in range(1, width):
        axes.axvline(x - 0.5, color="white", lw=0.8)
    for y in range(1, height):
        axes.axhline(y - 0.5, color="white", lw=0.8)


@dataclass(frozen=True)
class LinkLoad:
    """``messages``: (4, columns, rows) per clip over the link that leaves a tile in each way."""

    messages: np.ndarray

    columns = ("tile_x", "tile_y", "way", "messages")

    def rows(self) -> list[tuple[Any, ...]]:
        """One a link that carried something."""
        found = np.argwhere(self.messages > 0)
        return [(int(x), int(y), WAYS[w], float(self.messages[w, x, y])) for w, x, y in found]


def link_load(placement: Placement, run: Run) -> LinkLoad:
    """Messages of a clip over each link. Raises PlotError: no mesh is known, or none was sent."""
    links = placement.on_traffic(run).links
    if links is None:
        raise PlotError(f"no mesh of {placement.profile.name} is public; links cannot be drawn")
    return LinkLoad(links.sum(axis=0))


def draw_link_load(table: LinkLoad, ax: Axes | None = None) -> Axes:
    """A line a link, both ways side by side, shaded and thick by its messages."""
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection
    from matplotlib.colors import Normalize

    _, width, height = table.messages.shape
    axes = style.axes_of(ax, style.COLUMN, 0.6 + style.COLUMN * 0.72 * height / width)
    x, y = (a.ravel() for a in np.meshgrid(range(width), range(height), indexing="ij"))
    axes.scatter(x, y, s=max(2.0, 300 / max(width, height)), color="#E8E8E8", marker="s", zorder=1)
    shift = {"east": (0, 0.09), "west": (0, -0.09), "north": (-0.09, 0), "south": (0.09, 0)}
    step = {"east": (1, 0), "west": (-1, 0), "north": (0, 1), "south": (0, -1)}
    lines, loads = [], []
    for column, row, way, messages in table.rows():
        (dx, dy), (sx, sy) = step[way], shift[way]
        lines.append([(column + sx, row + sy), (column + dx + sx, row + dy + sy)])
        loads.append(messages)
    most = max(loads, default=1.0)
    shades = LineCollection(
        lines, cmap=colormaps["viridis_r"], norm=Normalize(0, most), zorder=2,
        linewidths=[0.5 + 2.5 * n / most for n in loads], capstyle="butt",
    )  # fmt: skip
    shades.set_array(np.array(loads))
    axes.add_collection(shades)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(-0.5, height - 0.5), aspect="equal")
    style.colour_bar(axes, shades, "messages per clip")
    style.whole_ticks(axes, y=True)
    return style.dress(axes, "tile, west to east", "tile, south to north")


@dataclass(frozen=True)
class StepTimes:
    """Seconds by step of the chip, mean over samples: the step, and what it waits for (NaN where a
    fixed step hides it).
    """

    step: np.ndarray
    generation: np.ndarray
    processing: np.ndarray
    links: np.ndarray
    barrier: float
    clip_steps: int

    columns = ("step", "step_seconds", "generation_seconds", "processing_seconds", "link_seconds")

    def rows(self) -> list[tuple[Any, ...]]:
        """One a step."""
        parts = (self.step, self.generation, self.processing, self.links)
        return [(i, *cells) for i, cells in enumerate(zip(*parts, strict=True))]


def step_times(placement: Placement, run: Run) -> StepTimes:
    """Of a run on a placement."""
    timing = placement.timing(run)
    steps = timing.steps.mean(axis=0)
    none = np.full(len(steps), np.nan)
    make = none if timing.generation is None else timing.generation.max(axis=1)
    take = none if timing.processing is None else timing.processing.max(axis=1)
    links = none if timing.links is None else timing.links
    return StepTimes(steps, make, take, links, timing.barrier, timing.clip_steps)


def draw_step_times(table: StepTimes, ax: Axes | None = None) -> Axes:
    """The step's time, and the slowest core's and link's; shaded: steps after the clip's last."""
    axes = style.axes_of(ax)
    x = np.arange(len(table.step))
    parts = (
        ("step", table.step),
        ("generation, slowest core", table.generation),
        ("processing, slowest core", table.processing),
        ("busiest link", table.links),
    )
    for look, (name, seconds) in enumerate(parts):
        if not np.isnan(seconds).all():
            wide, pale = (3.5, 0.4) if name == "step" else (style.LINE, 1.0)
            axes.plot(x, seconds * 1e6, label=name, color=style.COLOURS[look], lw=wide, alpha=pale,
                      ls=style.DASHES[look], marker="." if len(x) < 3 else "")  # fmt: skip
    if len(x) > table.clip_steps:
        axes.axvspan(table.clip_steps - 0.5, len(x) - 0.5, facecolor="#E4E4E4", edgecolor="#8A8A8A",
                     linewidth=0.6, zorder=0, label="drain")  # fmt: skip
    axes.set_ylim(0, float(np.nanmax(table.step)) * 1.35e6)
    axes.margins(x=0.01)
    style.legend(axes)
    style.whole_ticks(axes, most=8)
    return style.dress(axes, "step of the chip", "time (µs)")
