"""Does a difference survive the range: closed forms of two bills that share their prices."""

from __future__ import annotations

import pytest

from neurosim.energy import price
from neurosim.energy.difference import difference
from neurosim.energy.report import EnergyReport
from neurosim.errors import ProfileError
from tests.energy import reference
from tests.energy.reference import CELLS, SAMPLES, near

pJ = 1e-12


def bill(synapses: int, active: int, chip: str = "loihi1") -> EnergyReport:
    """Synaptic operations (23.6 to 35.5 pJ on loihi1) and active updates (81 pJ)."""
    counts = {("fc", "synapse"): synapses, ("lif", "neuron_active"): active}
    return price(reference.run(counts), chip)


def test_the_same_bill_twice_differs_by_nothing_at_any_price() -> None:
    found = difference(bill(100, 10), bill(100, 10))
    assert (found.value, found.least, found.most, found.ratio) == (0, 0, 0, 1)
    assert "cost the same" in found.says("a", "b") and not found.survives


def test_more_of_one_price_is_dearer_at_every_price_though_the_ranges_overlap() -> None:
    a, b = bill(100, 10), bill(110, 10)
    assert b.low < a.high  # ranges of the totals overlap
    found = difference(a, b)
    scale = CELLS / SAMPLES
    assert found.least == near(10 * 23.6 * pJ * scale, rel=1e-9)
    assert found.most == near(10 * 35.5 * pJ * scale, rel=1e-9)
    assert found.survives and found.second_cheaper == 0
    assert "a is cheaper than b" in found.says("a", "b") and "stays so" in found.says("a", "b")


def test_a_trade_of_one_price_for_another_turns_within_the_range() -> None:
    """100 synapses cost 2360 to 3550 pJ, 35 updates 2835: which is cheaper depends on the price."""
    a, b = bill(100, 0), bill(0, 35)
    found = difference(a, b)
    scale = CELLS / SAMPLES
    assert found.value == near((2835 - 2360) * pJ * scale, rel=1e-9)
    assert found.least == near((2835 - 3550) * pJ * scale, rel=1e-9)
    assert found.most == near((2835 - 2360) * pJ * scale, rel=1e-9)
    above = (3550 - 2835) ** 2 / (3550 - 2360) ** 2  # P(synapses cost more than 2835), a triangle's
    assert found.second_cheaper == pytest.approx(above, abs=0.04)
    assert not found.survives and "but not at every price" in found.says("a", "b")


def test_two_chips_share_no_prices() -> None:
    with pytest.raises(ProfileError, match="one chip"):
        difference(bill(1, 1), bill(1, 1, "cmos_45nm"))
