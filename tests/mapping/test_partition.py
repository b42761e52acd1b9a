"""Parts are within their size, cover everything, and keep channels together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosim.mapping.partition import in_order, parts_of


@settings(max_examples=60, deadline=None)
@example(shape=[5], most=2, channels=2)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    most=st.integers(1, 200),
    channels=st.integers(1, 12),
)
def test_no_part_is_too_large_and_none_is_empty(shape: list[int], most: int, channels: int) -> None:
    parts = parts_of(tuple(shape), most, channels)
    counts = np.bincount(parts)
    assert len(parts) == np.prod(shape) and counts.max() <= most and counts.min() > 0
    axis = 0 if len(shape) != 2 else 1
    held = np.moveaxis(parts.reshape(shape), axis, 0)
    for part in range(len(counts)):
        where = np.argwhere(held == part)
        assert len(np.unique(where[:, 0])) <= channels


def test_channels_stay_together_over_square_tiles() -> None:
    parts = parts_of((64, 56, 56), 1024).reshape(64, 56, 56)
    assert (parts == parts[:1]).all() and parts.max() + 1 == 196
    assert (parts[0, :4, :4] == parts[0, 0, 0]).all()


def test_runs_in_order_as_sana_fe_cuts_them() -> None:
    assert np.bincount(in_order(891, 4)).tolist() == [222, 222, 222, 225]


@pytest.mark.parametrize(("shape", "most", "parts"), [((128, 28, 28), 1024, 98), ((10,), 4, 3)])
def test_few_parts(shape: tuple[int, ...], most: int, parts: int) -> None:
    assert parts_of(shape, most).max() + 1 == parts
