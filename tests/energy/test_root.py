"""Roots of energies that are polynomials in pieces."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from neurosim.energy.root import LARGEST, proved
from tests.energy.reference import near

PLACE = st.floats(0.01, 100)


@given(PLACE, PLACE, st.floats(0.01, 10))
def test_a_capped_energy_is_met_where_it_is(knee: float, root: float, after: float) -> None:
    """E(s) = s up to the knee, then ``after`` times as steep; the guess is that of no knee."""

    def energy(at: Mapping[str, float]) -> Mapping[str, float]:
        return {n: min(s, knee) + after * max(0.0, s - knee) for n, s in at.items()}

    target = energy({"a": root})["a"]
    found = proved(energy, {"a": target, "b": 1.0}, {"a": target, "b": 0.0})
    assert found["a"] == near(root, rel=1e-8) and found["b"] == 0


def test_what_saturates_below_the_target_is_always_cheaper() -> None:
    found = proved(lambda at: {n: min(s, 2.0) for n, s in at.items()}, {"a": 3.0}, {"a": 3.0})
    assert found == {"a": math.inf}


def test_a_right_guess_is_priced_once_and_kept() -> None:
    asked: list[Mapping[str, float]] = []

    def energy(at: Mapping[str, float]) -> Mapping[str, float]:
        asked.append(at)
        return {n: 2 * s for n, s in at.items()}

    guesses = {"a": 1.5, "b": math.inf, "c": 0.0, "d": 2 * LARGEST}
    assert proved(energy, {"a": 3.0, "b": 1.0, "c": 1.0, "d": 1.0}, guesses) == guesses
    assert asked == [{"a": 1.5}]
