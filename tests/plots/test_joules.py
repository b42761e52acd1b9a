"""The picture of the joules holds every joule once, and bars as long as the table says."""

from __future__ import annotations

import math

import pytest
from matplotlib.axes import Axes

import neurosim as ns
from neurosim.energy.three import EnergyLine, three_energies
from neurosim.plots.joules import (
    Joules,
    draw_energies,
    draw_joules,
    draw_layers,
    joule_table,
    kept_joules,
)
from neurosim.plots.style import PlotError


@pytest.fixture(scope="module")
def lines(plain_run: ns.Run) -> tuple[EnergyLine, ...]:
    assert plain_run.graph is not None
    placed = ns.place(plain_run.graph, "loihi1")
    return three_energies(plain_run, [ns.price(plain_run, "loihi1", placed)])


@pytest.fixture(scope="module")
def table(lines: tuple[EnergyLine, ...]) -> Joules:
    return joule_table(lines)


def lengths(ax: Axes) -> list[float]:
    """Sum of the bars at each place, from the top."""
    found: dict[int, float] = {}
    for bar in ax.patches:
        place = round(bar.get_y() + bar.get_height() / 2)  # type: ignore[attr-defined]
        found[place] = found.get(place, 0.0) + bar.get_width()  # type: ignore[attr-defined]
    return [found[k] for k in sorted(found)]


def test_every_joule_is_in_the_table_once(lines: tuple[EnergyLine, ...], table: Joules) -> None:
    for line in lines:
        assert line.report is not None
        parts = table.of((line.title, line.profile))
        total = math.fsum(p.joules for p in parts)
        assert math.isclose(total, line.report.joules_per_video, rel_tol=1e-12)
        assert len({(p.layer, p.group) for p in parts}) == len(parts)
    assert len(table.rows()[0]) == len(table.columns)


def test_a_bar_an_energy(lines: tuple[EnergyLine, ...], table: Joules) -> None:
    ax = draw_energies(table)
    totals = [x.report.joules_per_video * 1e3 for x in lines if x.report is not None]
    assert lengths(ax) == pytest.approx(totals)
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names[0] == "arithmetic only\n(cmos_45nm)" and "whole chip" in names[-1]
    assert ax.yaxis_inverted()


def test_a_bar_a_layer_and_the_rest(table: Joules) -> None:
    energy = ("whole chip", "loihi1")
    ax = draw_layers(table, energy)
    total = math.fsum(p.joules for p in table.of(energy)) * 1e3
    assert sum(lengths(ax)) == pytest.approx(total)
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert "static" in names and "host cmos_45nm (assumed)" in names


def test_panels_and_one_legend(table: Joules) -> None:
    figure = draw_joules(table)
    assert len(figure.axes) == 3
    (legend,) = figure.legends
    told = {t.get_text() for t in legend.get_texts()}
    assert told == {p.group for p in table.parts if p.joules}


def test_a_kept_report_gives_the_same_picture(lines: tuple[EnergyLine, ...], table: Joules) -> None:
    kept = kept_joules(line.to_dict() for line in lines)
    assert kept.energies == table.energies and kept.notes == table.notes == ()
    for old, new in zip(table.parts, kept.parts, strict=True):
        assert new.joules == pytest.approx(old.joules, rel=1e-12)
        assert (new.layer, new.group, new.convention) == (old.layer, old.group, old.convention)


def test_a_chip_that_was_not_placed_is_remarked_on(plain_run: ns.Run) -> None:
    report = ns.price(plain_run, "loihi1", why_unplaced="a reason; " * 20)
    table = joule_table(three_energies(plain_run, [report]))
    (note,) = table.notes
    assert note.startswith("loihi1 without static energy and messages: not mapped: a reason")
    shown = draw_joules(table).get_supxlabel()
    assert " ".join(shown.split()) == note.strip() and "\n" in shown


def test_nothing_to_draw() -> None:
    with pytest.raises(PlotError, match="no energy"):
        joule_table([EnergyLine("whole chip", "", None, "none")])
