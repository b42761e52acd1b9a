"""The overview figure holds the table's numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import neurosim as ns
from neurosim.plots.overview import edges, firing_rates
from neurosim.plots.rates import RateTable, rate_table
from neurosim.plots.span import Span


@pytest.fixture(scope="module")
def table() -> RateTable:
    return rate_table(ns.models.published("svformer") or {})


def line(ax: Axes, label: str) -> np.ndarray:
    """(points, 2) of the line that is called ``label``."""
    (found,) = [x for x in ax.lines if x.get_label() == label]
    return np.asarray(found.get_xydata())


def test_four_panels_of_the_published_vector(table: RateTable) -> None:
    figure = firing_rates(table)
    rate, tau, rates, taus = figure.axes
    assert line(rate, "_line")[:, 1] == pytest.approx(np.array(table.rates) * 100)
    assert line(tau, "_line")[:, 1] == pytest.approx(table.taus)
    assert line(rate, "mean")[0, 1] == pytest.approx(12.116, abs=1e-3)
    assert line(tau, "mean")[0, 1] == pytest.approx(2.310, abs=1e-3)
    for ax, values in ((rates, np.array(table.rates) * 100), (taus, np.array(table.taus))):
        assert sum(p.get_height() for p in ax.patches) == 39  # type: ignore[attr-defined]
        for p in ax.patches:
            low, width = p.get_x(), p.get_width()  # type: ignore[attr-defined]
            inside = ((values >= low - 1e-9) & (values < low + width - 1e-9)).sum()
            assert inside == p.get_height()  # type: ignore[attr-defined]
    assert "(%)" in rate.get_ylabel() and "(steps)" in tau.get_ylabel()


def test_each_layer_has_one_marker_of_its_kind(table: RateTable) -> None:
    rate = firing_rates(table).axes[0]
    seen: dict[float, str] = {}
    for kind in ("attention", "MLP", "embedding", "head", "other"):
        for depth, value in line(rate, kind):
            seen[depth] = kind
            assert value == pytest.approx(100 * table.rates[int(depth) - 1])
    assert seen == {x.depth: x.block for x in table.layers}


def test_without_time_constants_two_panels() -> None:
    figure = firing_rates({"a": 0.2, "b": 0.1})
    assert len(figure.axes) == 2
    assert line(figure.axes[0], "layer").tolist() == [[1, 20], [2, 10]]
    assert line(figure.axes[0], "mean")[0, 1] == pytest.approx(15)


def test_of_a_run_and_by_its_fixed_name(run: ns.Run) -> None:
    figure = ns.plots.firing_rates(run)
    assert isinstance(figure, Figure) and len(figure.axes) == 4


def test_range_within_a_layer_is_drawn_and_no_leak_is_a_gap(table: RateTable) -> None:
    one, two, *rest = table.layers
    spans = replace(one, tau=Span(2.0, 1.5, 3.0)), replace(two, tau=Span(*[float("inf")] * 3))
    tau = firing_rates(replace(table, layers=(*spans, *rest))).axes[1]
    assert [1.5, 3.0] in [list(np.asarray(x.get_ydata())) for x in tau.lines]
    assert np.isnan(line(tau, "_line")[1, 1])


@pytest.mark.parametrize("values", [[1.0, 2.0, 9.7], [2.0, 2.0], [0.013], [0.0, 1.0], [3e-5, 8e-5]])
def test_bins_hold_every_value(values: list[float]) -> None:
    found = edges(np.array(values))
    assert found[0] <= min(values) and max(values) < found[-1]
    assert 2 <= len(found) <= 13 and (np.diff(found) > 0).all()
