"""Kinds and how a type prints."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.ir.types import Kind, ValueType, integers, scales_equal


def test_kinds_follow_from_the_range_alone() -> None:
    assert integers((2,), 3, 0, 1).kind is Kind.SPIKE
    for lo, hi in ((0, 2), (-1, 1), (-1, 0), (0, 0)):
        assert integers((2,), 3, lo, hi).kind is Kind.GRADED
    spike = integers((2, 3), 4, 0, 1, 0.5)
    assert spike.discrete and not spike.real().discrete
    assert spike.real() == ValueType((2, 3), 4) and spike.size == 6


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (integers((3, 4), 5, 0, 1), "spike[T5; 3x4]"),
        (integers((), None, 0, 4), "graded[clip; scalar; 0..4]"),
        (ValueType((7,), 2), "real[T2; 7]"),
        (ValueType((7,), 2, masked=True), "masked real[T2; 7]"),
    ],
)
def test_printing(t: ValueType, text: str) -> None:
    assert str(t) == text


def test_equality_includes_the_scale() -> None:
    per_channel = np.array([1.0, 2.0])
    a, b = (integers((2,), 3, 0, 1, s) for s in (per_channel, per_channel.copy()))
    assert a == b and hash(a) == hash(b) and not a.uniform
    assert a != integers((2,), 3, 0, 1) and a != "spike"
    assert scales_equal(1.0, np.float64(1)) and not scales_equal(1.0, per_channel)
    assert a.with_shape(1, 2).shape == (1, 2)
