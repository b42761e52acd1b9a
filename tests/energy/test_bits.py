"""Integer arithmetic: the published widths are met, and what lies between is the stated law."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.energy.bits import TABLES, at_bits, has_bits
from neurosim.errors import ProfileError
from neurosim.hardware import load_profile, profiles
from tests.energy.reference import near

pJ = 1e-12


@pytest.mark.parametrize("name", TABLES)
def test_published_widths_are_met(name: str) -> None:
    table = TABLES[name]
    assert table.add(8) == near(table.add_8) and table.add(32) == near(table.add_32)
    assert table.multiply(8) == near(table.multiply_8)
    assert table.multiply(32) == near(table.multiply_32)


@pytest.mark.parametrize("name", TABLES)
def test_a_multiplication_is_the_parabola_through_the_published_points(name: str) -> None:
    table, bits = TABLES[name], np.arange(1, 33)
    points = [0, table.multiply_8 / pJ, table.multiply_32 / pJ]
    fitted = np.polyval(np.polyfit([0, 8, 32], points, 2), bits)
    found = np.array([table.multiply(int(b)) for b in bits])
    assert found / pJ == pytest.approx(fitted, rel=1e-9) and (np.diff(found) > 0).all()


def test_sixteen_bits_are_inside_the_estimates_of_the_profile() -> None:
    """cmos_45nm_int16 states 0.78 pJ for the parabola and 1.17 pJ for the straight line."""
    table = TABLES["45 nm"]
    assert round(table.multiply(16) / pJ, 2) == 0.78
    assert round(table.multiply_high(16) / pJ, 2) == 1.17


def test_eight_bits_are_the_int8_profile() -> None:
    narrow, int8 = at_bits(load_profile("cmos_45nm"), 8), load_profile("cmos_45nm_int8")
    for event in ("mac", "synapse", "add", "multiply", "compare", "coincidence"):
        found, known = narrow.prices[event], int8.prices[event]
        assert known.value and found.low == found.value == near(known.value)
        assert found.high == near(known.high or known.value)


def test_words_are_narrow_and_accumulators_are_not() -> None:
    memory = at_bits(load_profile("cmos_45nm_memory"), 5).memory
    assert memory is not None and (memory.word_bits, memory.state_bits) == (5, 32)
    assert at_bits(load_profile("cmos_45nm_memory"), 5).prices["weight_read"].value is None


def test_chips_and_other_technologies_have_no_such_prices() -> None:
    assert {n for n in profiles() if has_bits(load_profile(n))} >= {"cmos_45nm", "cmos_7nm"}
    for name in ("loihi1", "truenorth", "gpu"):
        with pytest.raises(ProfileError, match="no prices of 5-bit"):
            at_bits(load_profile(name), 5)


@pytest.mark.parametrize("bits", [0, 33])
def test_widths_outside_the_table_are_refused(bits: int) -> None:
    with pytest.raises(ProfileError, match="give 1 to 32"):
        at_bits(load_profile("cmos_45nm"), bits)
