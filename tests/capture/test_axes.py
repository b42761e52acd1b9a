"""Axis roles follow the elements through views, never the sizes."""

from __future__ import annotations

import pytest

from neurosim.capture import axes
from neurosim.errors import CaptureError

CLIP = ((("T", 4),), (("B", 2),), (("X", 6),))


def test_flatten_and_back():
    flat = axes.regroup(CLIP, (8, 6))
    assert axes.roles(flat[0]) == "TB" and axes.slice_shape(flat) == (6,)
    assert axes.regroup(flat, (4, 2, 6)) == CLIP


def test_splitting_an_ordinary_axis():
    heads = axes.regroup(CLIP, (4, 2, 2, 3))
    assert axes.slice_shape(heads) == (2, 3) and axes.roles(heads[0]) == "T"


@pytest.mark.parametrize("shape", [(2, 4, 6), (2, 2, 12), (3, 16)])
def test_a_view_that_cuts_time_is_refused(shape):
    with pytest.raises(CaptureError, match="cuts through the time axis"):
        axes.regroup(CLIP, shape)


def test_time_inside_the_channels():
    assert axes.slice_shape(((("B", 2),), (("T", 4), ("X", 3)))) == (3,)
    assert axes.slice_axis(((("B", 2),), (("T", 4), ("X", 3)), (("X", 5),)), 2) == 1


def test_operands_must_line_up():
    other = ((("B", 4),), (("T", 2),), (("X", 6),))
    with pytest.raises(CaptureError, match="axes do not line up"):
        axes.aligned(CLIP, other)
