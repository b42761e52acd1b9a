"""Break-even rates: closed forms, and pricing again at the rate that was found."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.energy import price
from neurosim.energy.baseline import Compared, DenseTwin, baseline
from neurosim.energy.bits import at_bits
from neurosim.energy.break_even import crossing, operand_rate, polynomial
from neurosim.energy.report import EnergyReport
from neurosim.energy.scaled import scaled
from neurosim.energy.twin import dense_twin
from neurosim.hardware import load_profile
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import Run
from tests.energy import reference
from tests.energy.reference import near
from tests.energy.test_scaled import layer_fed_by

MANY = 10**9  # repeats: events at any rate are whole to nine digits and more
POSITIVE = st.floats(1e-3, 1e3)


@given(POSITIVE, POSITIVE, st.floats(0, 1e3), POSITIVE)
def test_the_crossing_is_where_both_are_equal(
    fixed: float, linear: float, square: float, spare: float
) -> None:
    s = crossing((fixed, linear, square), fixed + spare)
    assert fixed + linear * s + square * s * s == near(fixed + spare, rel=1e-9)


@given(POSITIVE, POSITIVE, POSITIVE)
def test_three_prices_give_the_polynomial(fixed: float, linear: float, square: float) -> None:
    at = [fixed + linear * s + square * s * s for s in (0, 1, 2)]
    for found, true in zip(polynomial(*at), (fixed, linear, square), strict=True):
        assert found == near(true, rel=1e-6)


def test_no_rate_decides() -> None:
    assert crossing((2.0, 1.0, 0.0), 1.0) == 0  # what is fixed costs more already
    assert crossing((0.0, 0.0, 0.0), 1.0) == math.inf
    assert math.isnan(crossing((1.0, 0.0, 0.0), 1.0))


def test_a_capped_energy_has_a_guess_to_search_from() -> None:
    assert crossing(polynomial(1.0, 3.0, 4.0), 7.0) == near(3.0)
    assert crossing((1.0, 1.0, -1.0), 2.0) == math.inf


def again(run: Run, chip: str, rate: Compared, bits: int | None) -> tuple[EnergyReport, float]:
    """The spiking network priced at the break-even rate of the network, by ``price`` alone, and how
    much it fires there."""
    even = rate.network.break_even
    assert even is not None
    s = even / run.mean_firing_rate()
    profile = load_profile(chip) if bits is None else at_bits(load_profile(chip), bits)
    if bits is not None:
        run = replace(run, facts={n: replace(f, weight_bits=bits) for n, f in run.facts.items()})
    return price(scaled(run, Fraction(s), MANY), profile), s


@pytest.mark.parametrize("bits", [None, 2])
@pytest.mark.parametrize("chip", ["cmos_45nm", "cmos_45nm_memory", "cmos_7nm"])
@pytest.mark.parametrize("run", [reference.run(), layer_fed_by(6)], ids=["net", "pairs"])
def test_pricing_again_at_the_rate_gives_the_twins_joules(
    run: Run, chip: str, bits: int | None
) -> None:
    found = baseline(run, price(run, chip), DenseTwin(bits=bits)).compared[bool(bits)]
    if found.network.break_even == 0:  # then silence itself costs more than the twin
        silent = price(scaled(run, 0), chip if bits is None else at_bits(load_profile(chip), bits))
        assert silent.joules_per_video > found.twin.joules_per_video
        return
    at, s = again(run, chip, found, bits)
    assert s > 0 and at.joules_per_video == near(found.network.twin_joules, rel=1e-9)
    assert at.joules_per_video == near(found.twin.joules_per_video, rel=1e-9)


@pytest.mark.parametrize("chip", ["cmos_45nm", "cmos_45nm_memory", "loihi1"])
def test_pricing_again_at_a_layers_rate_gives_that_layers_joules(chip: str) -> None:
    run = layer_fed_by(6)
    found = baseline(run, price(run, chip)).compared[0]
    twin = price(dense_twin(run), found.on, convention=price(run, chip).convention)
    assert {at.name for at in found.layers} == {"fc", "qk"}
    for at in found.layers:
        assert at.break_even and at.rate
        assert at.rate == operand_rate(run, run.facts[at.name])
        here = price(scaled(run, Fraction(at.break_even / at.rate), MANY), chip)
        spent = sum(r.joules for r in here.rows if r.node == at.name) * here.per_video
        asked = sum(r.joules for r in twin.rows if r.node == at.name) * twin.per_video
        assert spent == near(asked, rel=1e-9) == near(at.twin_joules, rel=1e-9)


def shown(steps: int, spikes: int) -> Run:
    """A dense layer of 30 inputs that sees ``spikes`` of them active in all ``steps`` together."""
    macs = steps * 30 * 7
    facts = NodeFacts("fc", "linear", "weights", steps, ((30,),), (7,), ("spike",), "real",
                      dense_macs=macs, existing_macs=macs, weight_shape=(7, 30))  # fmt: skip
    counts = {("fc", "synapse"): spikes * 7, ("fc", "activation_read"): spikes}
    run = reference.run(counts, {"fc": facts}, samples=1)
    return scaled(replace(run, counts=replace(run.counts, steps=steps)), Fraction(1, 2))


@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("steps", [1, 4, 5, 16])
def test_arithmetic_alone_is_the_inequality_of_yan(steps: int, zeros: float) -> None:
    """T·rate <= k·(1 − gamma): one pass against T steps of the same picture (arXiv 2409.08290)."""
    run = shown(steps, 12)
    found = baseline(run, price(run, "cmos_45nm"), DenseTwin(frames=1, zeros=zeros))
    for compared, k in zip(found.compared, (4.6 / 0.9, None), strict=True):
        if k is None:
            prices = at_bits(load_profile("cmos_45nm"), steps.bit_length()).prices
            k = (prices["mac"].value or 0) / (prices["synapse"].value or 1)
        (fc,) = compared.layers
        assert fc.break_even is not None and fc.rate == near(12 / (30 * steps))
        assert steps * fc.break_even == near(k * (1 - zeros), rel=1e-12)
        assert fc.wins == (steps * (fc.rate or 0) < k * (1 - zeros))


def test_one_frame_a_step_wins_by_the_ratio_of_prices() -> None:
    run = shown(16, 12)
    (fc,) = baseline(run, price(run, "cmos_45nm")).compared[0].layers
    assert fc.break_even == near(4.6 / 0.9) and fc.said() == "always" and fc.wins
    (fc,) = baseline(run, price(run, "loihi1")).compared[0].layers
    assert fc.break_even == near(4.6 / 23.6) and fc.said() == "rate < 0.1949"


@pytest.mark.parametrize("chip", ["cmos_45nm", "cmos_45nm_memory", "loihi1"])
def test_a_silent_layer_has_the_break_even_of_one_that_fires(chip: str) -> None:
    silent, fires = (
        next(at for at in baseline(run, price(run, chip)).compared[0].layers if at.name == "fc")
        for run in (layer_fed_by(0), layer_fed_by(6))
    )
    assert silent.rate == 0 and fires.rate == 0.25 and silent.wins
    assert silent.break_even == near(fires.break_even or 0, rel=1e-9)


def test_a_silent_network_has_none() -> None:
    found = baseline(layer_fed_by(0), price(layer_fed_by(0), "cmos_45nm")).compared[0]
    assert found.network.break_even is None and "nothing fires" in found.verdict()
