"""One price at an end of its range, against pricing the run again with a changed profile."""

from __future__ import annotations

import math

from neurosim.energy import price
from neurosim.energy.sensitivity import sensitivity
from neurosim.hardware import load_profile
from neurosim.hardware.schema import Profile
from tests.energy import reference
from tests.energy.reference import near
from tests.energy.test_price import TwoChips


def changed(event: str, end: str) -> Profile:
    """loihi1 with one price at an end of its range, and no range there."""
    chip = load_profile("loihi1")
    entry = chip.prices[event]
    each = getattr(entry, end) or entry.value
    fixed = entry.model_copy(update={"value": each, "low": None, "high": None})
    return chip.model_copy(update={"prices": {**chip.prices, event: fixed}})


def test_ends_are_those_of_a_profile_with_that_price() -> None:
    run, placed = reference.run(), TwoChips()
    found = sensitivity(price(run, "loihi1", placed))
    swings = {s.price: s for s in found.swings}
    for end in ("low", "high"):
        again = price(run, changed("synapse", end), placed).joules_per_video
        assert getattr(swings["loihi1.synapse"], end) == near(again)
    assert swings["loihi1.static"].high > swings["loihi1.static"].low


def test_swings_add_up_to_the_range_and_are_sorted() -> None:
    report = price(reference.run(), "loihi1", TwoChips())
    found = sensitivity(report)
    total = found.joules_per_video
    assert total == near(report.joules_per_video)
    high = total + math.fsum(s.high - total for s in found.swings)
    low = total + math.fsum(s.low - total for s in found.swings)
    assert high == near(report.high * report.per_video)
    assert low == near(report.low * report.per_video)
    widths = [s.width for s in found.swings]
    assert widths == sorted(widths, reverse=True) and widths[0] > 0


def test_prices_without_a_range_are_listed_with_their_share() -> None:
    found = sensitivity(price(reference.run(), "loihi1"))
    shares = dict(found.fixed)
    assert {"loihi1.neuron_active", "loihi1.neuron_idle", "cmos_45nm.mac"} <= set(shares)
    assert math.fsum(shares.values()) + math.fsum(s.share for s in found.swings) == near(1.0)
    rows = found.rows()
    assert len(rows) == len(found.swings) + len(found.fixed)
    assert math.isnan(rows[-1][1]) and len(rows[0]) == len(found.columns)


def test_no_price_with_a_range() -> None:
    found = sensitivity(price(reference.run(), "cmos_45nm"))
    assert found.swings == () and found.fixed
