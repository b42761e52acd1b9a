"""Where the joules go: the three energies by kind of event, and by layer."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.energy.groups import GROUPS, by_layer
from neurosim.energy.report import EnergyReport
from neurosim.energy.three import EnergyLine, lacks_static
from neurosim.plots import style
from neurosim.plots.style import PlotError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAYERS = 10
WIDTH = 7.0  # inches: both columns of a page
NOTE = 130  # characters of a note's line
_C = style.COLOURS
LOOKS: dict[str, tuple[str, str]] = {  # group → (colour, hatch)
    "synaptic operations": (_C[0], ""),
    "MACs": (_C[1], ""),
    "neurons": (_C[2], ""),
    "other arithmetic": (_C[3], ""),
    "weights": (_C[4], ""),
    "states": (_C[5], ""),
    "activations": ("#F0E442", ""),
    "addressing": (_C[0], "//////"),
    "DRAM": (_C[4], "//////"),
    "network": (_C[2], "//////"),
    "host": (_C[1], "//////"),
    "static": ("#9A9A9A", ""),
}


@dataclass(frozen=True)
class Part:
    """``joules`` per video that a layer spent on one kind of event, on one line of the energies."""

    energy: str
    profile: str
    convention: str
    layer: str
    group: str
    joules: float


@dataclass(frozen=True)
class Joules:
    """Every joule of every energy once. ``notes``: what is in none of them, for the picture."""

    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()

    columns = ("energy", "profile", "convention", "layer", "spent_on", "joules_per_video")

    def rows(self) -> list[tuple[str, str, str, str, str, float]]:
        """One a layer and kind of event."""
        return [(p.energy, p.profile, p.convention, p.layer, p.group, p.joules) for p in self.parts]

    @property
    def energies(self) -> tuple[tuple[str, str], ...]:
        """(title, profile) of each line that is known, in order."""
        return tuple(dict.fromkeys((p.energy, p.profile) for p in self.parts))

    def of(self, energy: tuple[str, str]) -> list[Part]:
        """The parts of one line."""
        return [p for p in self.parts if (p.energy, p.profile) == energy]


def joule_table(lines: Iterable[EnergyLine]) -> Joules:
    """Of the three energies. Raises PlotError: none of them could be priced."""
    known = [(x.title, x.report) for x in lines if x.report is not None]
    if not known:
        raise PlotError("joules: no energy could be priced; choose other hardware")
    parts = [p for title, report in known for p in _parts(title, report)]
    return Joules(tuple(parts), tuple(_lacking(r) for _, r in known if lacks_static(r)))


def kept_joules(lines: Iterable[Mapping[str, Any]]) -> Joules:
    """Of ``three_energies`` in a kept report.json: as they were priced and placed then."""
    return Joules(tuple(
        Part(x["title"], x["profile"], x["convention"], layer, kind, mj * 1e-3)
        for x in lines
        for layer, parts in x["by_layer"].items()
        for kind, mj in parts.items()
    ))  # fmt: skip


def _lacking(report: EnergyReport) -> str:
    why = next((e.why for e in report.not_included if e.event == "static"), "not priced")
    return f"{report.profile.name} without static energy and messages: {why}"


def _parts(title: str, report: EnergyReport) -> list[Part]:
    name, rules = report.profile.name, report.convention.name
    return [
        Part(title, name, rules, layer, kind, joules)
        for layer, parts in by_layer(report).items()
        for kind, joules in parts.items()
    ]


def draw_joules(table: Joules) -> Figure:
    """Above, a bar an energy; below, the largest layers with memory and on each chip (the last one
    of several); every bar by kind of event.
    """
    figure = style.new_figure(WIDTH, 4.4)
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.9))
    draw_energies(table, figure.add_subplot(grid[0, :]))
    for place, energy in enumerate(_below(table)):
        draw_layers(table, energy, figure.add_subplot(grid[1, place]))
    _legend(figure, table)
    _remark(figure, table.notes)
    style.letters(figure)
    return figure


def _below(table: Joules) -> list[tuple[str, str]]:
    """The energies whose layers are drawn: memory without reuse, and the last."""
    known = table.energies
    return list(dict.fromkeys([known[min(1, len(known) - 1)], known[-1]]))


def draw_energies(table: Joules, ax: Axes | None = None) -> Axes:
    """A stacked bar an energy, its total at the end."""
    axes = style.axes_of(ax, WIDTH, 1.6)
    bars = {f"{t}\n({p})": _by_group(table.of((t, p))) for t, p in table.energies}
    _stack(axes, bars)
    return style.dress(axes, "energy (mJ per video)", "")


def draw_layers(table: Joules, energy: tuple[str, str], ax: Axes | None = None) -> Axes:
    """The layers that spend most, and the rest, on one line of the energies."""
    axes = style.axes_of(ax, WIDTH / 2, 2.6)
    by_layer: dict[str, list[Part]] = {}
    for part in table.of(energy):
        by_layer.setdefault(part.layer, []).append(part)
    ranked = sorted(by_layer.values(), key=lambda parts: -sum(p.joules for p in parts))
    bars = {parts[0].layer: _by_group(parts) for parts in ranked[:LAYERS]}
    if rest := [p for parts in ranked[LAYERS:] for p in parts]:
        bars[f"{len(ranked) - LAYERS} more"] = _by_group(rest)
    _stack(axes, bars)
    return style.dress(axes, f"{energy[1]} (mJ per video)", "")


def _by_group(parts: Sequence[Part]) -> dict[str, float]:
    return {g: math.fsum(p.joules for p in parts if p.group == g) for g in GROUPS}


def _stack(axes: Axes, bars: Mapping[str, Mapping[str, float]]) -> None:
    """The first bar on top; millijoules."""
    places = range(len(bars))
    left = [0.0] * len(bars)
    for name in GROUPS:
        widths = [bar.get(name, 0.0) * 1e3 for bar in bars.values()]
        if any(widths):
            colour, hatch = LOOKS[name]
            axes.barh(places, widths, left=left, color=colour, hatch=hatch, edgecolor="white",
                      linewidth=0.3, height=0.72, label=name)  # fmt: skip
            left = [a + b for a, b in zip(left, widths, strict=True)]
    for place, total in zip(places, left, strict=True):
        axes.annotate(f"{total:.3g}", (total, place), (2, 0), textcoords="offset points",
                      va="center", fontsize=style.SMALL, color=style.INK)  # fmt: skip
    axes.set_yticks(list(places), list(bars))
    axes.locator_params(axis="x", nbins=5)
    axes.invert_yaxis()
    axes.set_xlim(0, max(left, default=0.0) * 1.12 or 1.0)


def _remark(figure: Figure, notes: Iterable[str]) -> None:
    """Below everything, in lines that fit."""
    if text := "\n".join(line for note in notes for line in textwrap.wrap(note, NOTE)):
        figure.supxlabel(text, x=0.01, ha="left", fontsize=style.SMALL, color=style.INK)


def _legend(figure: Figure, table: Joules) -> None:
    """Every kind of event that was paid for, once for all panels."""
    from matplotlib.patches import Patch

    spent = {p.group for p in table.parts if p.joules}
    patches = [
        Patch(facecolor=LOOKS[g][0], hatch=LOOKS[g][1], edgecolor="white", linewidth=0.3, label=g)
        for g in GROUPS
        if g in spent
    ]
    figure.legend(handles=patches, loc="outside upper center", ncols=min(6, len(patches)),
                  frameon=False, fontsize=style.SMALL, labelcolor=style.INK, handlelength=1.4,
                  handletextpad=0.4, columnspacing=1.0)  # fmt: skip
