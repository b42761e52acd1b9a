"""Quantities as they are printed."""

from __future__ import annotations

import pytest

from neurosim import units


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("3.88 G", 3.88e9, 5e6),
        ("9.30 G", 9.30e9, 5e6),
        ("16.8 M", 16.8e6, 5e4),
        ("29705768", 29705768, 0.5),
        ("13.72 G", 13.72e9, 5e6),
    ],
)
def test_printed_counts(text: str, value: float, half: float) -> None:
    assert units.count(text) == value
    assert units.half_digit(text) == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize(("text", "half"), [("7.46 mJ", 5e-6), ("210 uJ", 5e-7), ("21 mJ", 5e-4)])
def test_half_of_the_last_digit_of_an_energy(text: str, half: float) -> None:
    assert units.half_digit(text) == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("text", ["3.88 J", "G", "", "3.88 Q"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(ValueError, match="expects"):
        units.count(text)
