"""The accuracy-energy front, against a comparison of every pair."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.plots.front import EnergyFront, EnergyPoint, draw_front, energy_front
from neurosim.plots.span import Span
from neurosim.plots.style import COLOURS, PlotError


def some(seed: int, number: int = 12) -> EnergyFront:
    draw = np.random.default_rng(seed)
    values = draw.integers(1, 8, (number, 2)) / 10  # ties on purpose
    return energy_front(
        EnergyPoint(f"λ = {i}", Span(float(a)), Span(float(j) / 1e3))
        for i, (a, j) in enumerate(values)
    )


@pytest.mark.parametrize("seed", range(8))
def test_front_is_what_no_other_point_beats(seed: int) -> None:
    table = some(seed)
    places = {(p.joules_per_video.mean, p.accuracy.mean) for p in table.points}
    best = {
        (j, a)
        for j, a in places
        if not any(x <= j and y >= a and (x, y) != (j, a) for x, y in places)
    }
    found = [(p.joules_per_video.mean, p.accuracy.mean) for p in table.front]
    assert set(found) == best and found == sorted(best)


def test_picture_labels_each_point_and_joins_the_front() -> None:
    table = energy_front(
        [
            EnergyPoint("λ = 0", Span(0.9, 0.88, 0.92), Span(3e-3)),
            EnergyPoint("λ = 1", Span(0.8), Span(1e-3)),
            EnergyPoint("worse", Span(0.7), Span(2e-3)),
        ]
    )
    axes = draw_front(table, profile="cmos_45nm")
    assert [t.get_text() for t in axes.texts] == ["λ = 1", "worse", "λ = 0"]  # by energy
    assert [t.xy for t in axes.texts] == [  # type: ignore[attr-defined]
        pytest.approx(p) for p in ((1.0, 80.0), (2.0, 70.0), (3.0, 92.0))
    ]
    assert [t.get_va() for t in axes.texts] == ["bottom", "top", "bottom"]
    (front,) = [x for x in axes.lines if x.get_label() == "front"]
    assert np.asarray(front.get_xydata()) == pytest.approx(np.array([[1, 80], [3, 90]]))
    fills = [c.lines[0].get_markerfacecolor() for c in axes.containers]  # type: ignore[attr-defined]
    assert fills == [COLOURS[0], "white", COLOURS[0]]
    assert "cmos_45nm" in axes.get_xlabel() and "mJ" in axes.get_xlabel()
    assert [row[-1] for row in table.rows()] == [1, 1, 0]


def test_nothing_is_refused() -> None:
    with pytest.raises(PlotError, match="at least one model"):
        energy_front([])
