"""Draws of prices against closed forms, and what is correlated with what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim.energy import price
from neurosim.energy.spread import draw, price_of, quantile, spread, uniform
from neurosim.ir.run import Run
from tests.energy import reference
from tests.energy.reference import COUNTS, near


def one_price() -> Run:
    """Synaptic operations alone: on loihi1 23.6 to 35.5 pJ, most likely 23.6."""
    return reference.run({("fc", "synapse"): 1000, ("fc", "activation_read"): 5})


def test_quantiles_of_both_distributions() -> None:
    u = np.array([0.0, 0.25, 1.0])
    assert quantile((1.0, 2.0, 5.0), u, "uniform") == near_all([1.0, 2.0, 5.0])
    assert quantile((1.0, 2.0, 5.0), u, "triangular") == near_all([1.0, 2.0, 5.0])
    assert quantile((1.0, 1.0, 3.0), np.array([0.75]), "triangular") == near_all([2.0])
    assert quantile((2.0, 2.0, 2.0), u, "triangular") == near_all([2.0] * 3)


def near_all(values: list[float]) -> object:
    return pytest.approx(values, rel=1e-12)


def test_a_single_price_has_the_moments_of_its_triangle() -> None:
    report = price(one_price(), "loihi1")
    low, mode, high = (x * report.per_video for x in (report.low, report.joules, report.high))
    found = spread(report, draws=40_000)
    assert found.mean == near((low + mode + high) / 3, rel=5e-3)
    variance = (low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18
    assert found.std == near(variance**0.5, rel=2e-2)
    flat = spread(report, draws=40_000, distribution="uniform")
    assert flat.mean == near((low + high) / 2, rel=5e-3)
    assert flat.p05 == near(low + 0.05 * (high - low), rel=5e-3)


def test_a_seed_gives_the_same_draws_and_another_seed_others() -> None:
    report = price(reference.run(), "loihi1")
    assert (draw(report, 50, seed=1) == draw(report, 50, seed=1)).all()
    assert (draw(report, 50, seed=1) != draw(report, 50, seed=2)).any()
    assert "1,000 draws, triangular, seed 0" in spread(report).how()


def test_draws_stay_inside_the_range() -> None:
    for name in ("loihi1", "cmos_45nm_memory", "spinnaker2"):
        report = price(reference.run(), name)
        drawn = draw(report, 500) / report.per_video
        assert report.low * (1 - 1e-12) <= drawn.min() < drawn.max() <= report.high * (1 + 1e-12)


def test_within_a_price_everything_moves_together() -> None:
    """Twice the events of one price: twice every single draw, whatever layer they are of."""
    run = one_price()
    both = {("fc", "synapse"): 1000, ("stem", "synapse"): 1000}
    assert draw(price(reference.run(both), "loihi1"), 50) == near_all(
        list(2 * draw(price(run, "loihi1"), 50))
    )


def test_words_in_sram_are_one_price_and_two_prices_are_independent() -> None:
    report = price(reference.run(), "cmos_45nm_memory")
    names = {price_of(r, report) for r in report.rows}
    assert "cmos_45nm_memory.sram" in names and not any("read" in n for n in names)
    a, b = uniform("loihi1.synapse", 20_000, 0), uniform("loihi1.static", 20_000, 0)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02 and abs(a.mean() - 0.5) < 0.01


def test_a_hosts_price_is_the_hosts_own() -> None:
    report = price(reference.run(), "loihi1")
    hosted = [r for r in report.rows if r.by.startswith("host")]
    assert {price_of(r, report) for r in hosted} == {"cmos_45nm.mac", "cmos_45nm.add"}


def test_an_unknown_range_is_a_fixed_price() -> None:
    stem = {k: v for k, v in COUNTS.items() if k[0] == "stem"}
    report = price(reference.run(stem), "cmos_45nm")
    found = spread(report)
    assert found.std < 1e-12 * found.mean
    assert found.p05 == found.p95 == near(report.joules_per_video)
    assert replace(found, seed=3).to_dict()["seed"] == 3
