"""Windows and crops: SlowFast's offset sampling, checked against its formula."""

from __future__ import annotations

from fractions import Fraction

import pytest

from neurosim.data.recipe import Recipe
from neurosim.data.sets import Views
from neurosim.data.sets._views import at_clip, at_fraction, frame_numbers
from neurosim.errors import ClipError

RECIPE = Recipe(16, (224, 224), stride=4, short_side=256)
RATE = Fraction(30)


def starts(total: int, clips: int) -> list[int]:
    return [frame_numbers(total, RATE, RECIPE, at_clip(c, clips))[0] for c in range(clips)]


@pytest.mark.parametrize("total", [10, 64, 65, 91, 180, 300])
def test_five_clips_start_where_slowfast_starts_them(total):
    room = max(total - 16 * 4, 0)
    assert starts(total, 5) == [i * (room // 4) for i in range(5)]
    assert starts(total, 1) == [room // 2]


def test_frames_are_a_stride_apart_and_the_last_one_is_repeated():
    assert frame_numbers(180, RATE, RECIPE, at_fraction(0)) == list(range(0, 64, 4))
    assert frame_numbers(180, RATE, RECIPE, at_fraction(1)) == list(range(116, 180, 4))
    short = frame_numbers(10, RATE, RECIPE, at_fraction(0.7))
    assert short == [0, 4, 8] + [9] * 13


def test_a_frame_rate_of_the_recipe_stretches_the_step():
    at_15 = Recipe(4, (8, 8), stride=2, fps=15)
    assert frame_numbers(40, RATE, at_15, at_fraction(0)) == [0, 4, 8, 12]
    at_25 = Recipe(4, (8, 8), stride=2, fps=25)  # a step of 2.4 frames
    assert frame_numbers(40, RATE, at_25, at_fraction(0)) == [0, 2, 4, 7]


def test_fractions_are_exact_and_inside():
    assert [at_fraction(f)(10) for f in (0, 0.25, 0.5, 0.99, 1)] == [0, 2, 5, 9, 10]
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(ClipError, match="at a clip's start: found .*from 0 to 1"):
            at_fraction(bad)


def test_views_count_and_split():
    views = Views(5, 3)
    assert views.count == 15
    assert [views.split(v) for v in (0, 1, 3, 14)] == [(0, 0), (0, 1), (1, 0), (4, 2)]
    for view in (-1, 15):
        with pytest.raises(ClipError, match=f"found view {view} of 15"):
            views.split(view)
    for clips, crops in ((0, 1), (1, 0), (1.5, 1), (True, 1)):
        with pytest.raises(ClipError, match="at views: found .*above 0"):
            Views(clips, crops)


def test_several_crops_cover_the_short_side():
    assert Views(5, 3).recipe(RECIPE).short_side is None
    assert Views(5, 1).recipe(RECIPE) is RECIPE
    for recipe in (Recipe(4, (8, 8), crop="none"), Recipe(4, (8, 8), channels="events")):
        with pytest.raises(ClipError, match="3 crops of a clip that is not cropped"):
            Views(1, 3).recipe(recipe)
