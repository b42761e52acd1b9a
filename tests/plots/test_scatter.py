"""The scatter of accuracy and energy shows the points of its table, a panel a data set."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.plots.scatter import CostPoint, CostScatter, draw_scatter, unbeaten
from neurosim.plots.span import Span
from neurosim.plots.style import PlotError

TABLE = CostScatter(
    (
        CostPoint("a", "cmos_45nm", "motion", Span(0.9, 0.88, 0.92), Span(1e-3, 0.5e-3, 2e-3)),
        CostPoint("a", "loihi1", "motion", Span(0.9, 0.88, 0.92), Span(4e-3)),
        CostPoint("b", "cmos_45nm", "UCF101", Span(0.8), Span(2e-3), views=15),
        CostPoint("c", "published", "UCF101", Span(0.84), Span(21e-3), verdict="mismatch"),
        CostPoint("d", "published", "UCF101", Span(0.7), Span(9e-3), verdict="match"),
    )
)


def test_a_panel_a_data_set_with_its_points_and_bars() -> None:
    motion, ucf = draw_scatter(TABLE).axes
    assert "motion" in motion.get_ylabel() and "UCF101" in ucf.get_ylabel()
    first = motion.containers[0]
    assert first.lines[0].get_xydata().tolist() == [[1.0, 90.0]]  # type: ignore[attr-defined]
    (across, up) = first.lines[2]  # type: ignore[attr-defined]
    assert across.get_segments()[0].tolist() == [[0.5, 90.0], [2.0, 90.0]]
    assert up.get_segments()[0] == pytest.approx(np.array([[1.0, 88.0], [1.0, 92.0]]))
    assert len(motion.containers) == 2 and len(ucf.containers) == 1
    drawn = {x.get_label(): np.asarray(x.get_xydata()) for x in ucf.lines}
    assert drawn["published, does not add up"] == pytest.approx(np.array([[21.0, 84.0]]))
    assert drawn["published, adds up"] == pytest.approx(np.array([[9.0, 70.0]]))
    assert {t.get_text() for t in ucf.texts} == {"c", "d", "15 views"}


def test_no_axis_promises_more_than_all() -> None:
    only = CostPoint("a", "gpu", "motion", Span(0.99), Span(1e-3))
    (axes,) = draw_scatter(CostScatter((only,))).axes
    assert axes.get_ylim()[1] <= 101 and 99 < axes.get_ylim()[1]


def test_legends_name_what_is_in_their_panel_alone() -> None:
    motion, ucf = draw_scatter(TABLE).axes
    assert motion.get_legend_handles_labels()[1] == ["a", "cmos_45nm", "loihi1"]
    named = ucf.get_legend_handles_labels()[1]
    assert "b" in named and "a" not in named and "loihi1" not in named


@pytest.mark.parametrize("seed", range(3))
def test_of_many_published_points_the_unbeaten_are_named(seed: int) -> None:
    draw = np.random.default_rng(seed).integers(1, 9, (15, 2))
    points = [
        CostPoint(f"{i}", "published", "d", Span(a / 10), Span(j / 1e3), verdict="match")
        for i, (a, j) in enumerate(draw)
    ]
    places = {(p.joules_per_video.mean, p.accuracy.mean) for p in points}
    best = {(j, a) for j, a in places
            if not any(x <= j and y >= a and (x, y) != (j, a) for x, y in places)}  # fmt: skip
    found = unbeaten(points)
    assert {(p.joules_per_video.mean, p.accuracy.mean) for p in found} == best
    (axes,) = draw_scatter(CostScatter(tuple(points))).axes
    assert [t.get_text() for t in axes.texts] == [p.model for p in found]


def test_rows_and_an_empty_table() -> None:
    assert len(TABLE.rows()) == 5 and len(TABLE.rows()[0]) == len(TABLE.columns)
    with pytest.raises(PlotError, match="evaluate one"):
        draw_scatter(CostScatter(()))
