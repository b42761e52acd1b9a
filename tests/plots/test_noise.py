"""Means and intervals over seeds, by hand; the picture shows them."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.plots.noise import NoiseSample, NoiseTable, noise_robustness, noise_table
from neurosim.plots.span import over_seeds
from neurosim.plots.style import PlotError

T_2 = 4.302652729911275  # Student's t at 97.5 %, 2 degrees of freedom (tables)


def samples() -> list[NoiseSample]:
    found = [NoiseSample("gaussian", 0, s, 0.8, 2e-3) for s in range(3)]
    found += [NoiseSample("salt", 0.3, s, a, 3e-3) for s, a in enumerate((0.2, 0.4, 0.6))]
    return found + [NoiseSample("gaussian", 0.5, 0, 0.4, 2.5e-3)]


@pytest.fixture
def table() -> NoiseTable:
    return noise_table(samples())


def test_interval_by_hand() -> None:
    found = over_seeds([1.0, 2.0, 3.0])
    assert (found.mean, found.high - 2) == pytest.approx((2.0, T_2 / 3**0.5))
    assert found.low == pytest.approx(4 - found.high)
    one = over_seeds([0.5])
    assert one.mean == 0.5 and np.isnan([one.low, one.high]).all()


@pytest.mark.parametrize(("values", "confidence"), [([], 0.95), ([1.0], 0.0), ([1.0], 1.0)])
def test_interval_of_nothing_is_refused(values: list[float], confidence: float) -> None:
    with pytest.raises(PlotError, match="interval of"):
        over_seeds(values, confidence)


def test_table_by_hand(table: NoiseTable) -> None:
    assert [(p.kind, p.level, p.seeds) for p in table.points] == [
        ("gaussian", 0, 3), ("gaussian", 0.5, 1), ("salt", 0.3, 3),
    ]  # fmt: skip
    salt = table.points[2]
    assert (salt.accuracy.mean, salt.retained.mean) == pytest.approx((0.4, 0.5))
    assert salt.retained.high == pytest.approx(0.5 + T_2 * 0.2 / 3**0.5 / 0.8)
    assert salt.joules_per_video.low == salt.joules_per_video.high == pytest.approx(3e-3)
    assert all(len(row) == len(table.columns) for row in table.rows())


def test_panels_show_means_and_intervals(table: NoiseTable) -> None:
    figure = noise_robustness(table, "loihi1")
    gaussian, salt, energy, salt_energy = figure.axes
    assert [ax.get_title() for ax in (gaussian, salt)] == ["gaussian", "salt"]
    line, _, bars = gaussian.containers[0].lines  # type: ignore[attr-defined]
    assert np.asarray(line.get_xydata()) == pytest.approx(np.array([[0, 100], [0.5, 50]]))
    line, _, bars = salt.containers[0].lines  # type: ignore[attr-defined]
    low, high = bars[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx([100 * x for x in table.rows()[2][7:9]])
    line = salt_energy.containers[0].lines[0]  # type: ignore[attr-defined]
    assert np.asarray(line.get_xydata()).tolist() == [[0.3, pytest.approx(3.0)]]
    assert "loihi1" in energy.get_ylabel() and "retained" in gaussian.get_ylabel()


def test_no_point_lies_outside_its_panel() -> None:
    rising = [NoiseSample("salt", x, s, 0.8 + x, 2e-3 * (1 + x)) for x in (0, 1) for s in (0, 1)]
    flat = [NoiseSample("gaussian", x, 0, 0.8, 2e-3) for x in (0, 1)]
    for order in (rising + flat, flat + rising):
        for axes in noise_robustness(noise_table(order), "loihi1").axes:
            line = axes.containers[0].lines[0]  # type: ignore[attr-defined]
            values = np.asarray(line.get_ydata())
            bottom, top = axes.get_ylim()
            assert bottom == 0 and values.max() <= 0.95 * top


@pytest.mark.parametrize("given", [[], samples()[3:], [NoiseSample("gaussian", 0, 0, 0.0, 1.0)]])
def test_without_clean_clips_nothing_is_retained(given: list[NoiseSample]) -> None:
    with pytest.raises(PlotError, match="clean clips"):
        noise_table(given)
