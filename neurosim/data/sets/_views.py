"""Where the windows and crops of a video lie: multi-view testing, clips × crops.

The protocol is SlowFast's (Feichtenhofer et al., ICCV 2019) with offset sampling, as SVFormer's
released configuration asks for (5 × 3): a window is T·stride frames long, room = max(n − T·stride,
0), clip i of m starts at i·⌊room/(m − 1)⌋, a single clip at ⌊room/2⌋; several crops are taken after
the short side became the crop's size, a single one after it became ``recipe.short_side``. Frames
are a stride apart, as the recipe says (SlowFast stretches the last step: (T·stride − 1)/(T − 1)).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from neurosim.data.recipe import Recipe
from neurosim.errors import ClipError

Place = Callable[[int], int]  # room → offset of the window's first frame (µs for events)


@dataclass(frozen=True)
class Views:
    """``clips`` windows in time × ``crops`` in space; view = clip · crops + crop.

    Raises ClipError: fewer than one of either.
    """

    clips: int = 1
    crops: int = 1

    def __post_init__(self) -> None:
        for name, value in (("clips", self.clips), ("crops", self.crops)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ClipError(f"at views: found {value!r} {name}; give a whole number above 0")

    @property
    def count(self) -> int:
        """Views of a video."""
        return self.clips * self.crops

    def split(self, view: int) -> tuple[int, int]:
        """(clip, crop) of a view. Raises ClipError: there is no such view."""
        if not 0 <= view < self.count:
            raise ClipError(f"at views: found view {view} of {self.count}; count from 0")
        return divmod(view, self.crops)

    def recipe(self, recipe: Recipe) -> Recipe:
        """The recipe that the frames are fitted by: several crops cover the frame's short side.

        Raises ClipError: crops of frames that the recipe does not crop.
        """
        if self.crops == 1:
            return recipe
        if recipe.channels == "events" or recipe.crop == "none":
            raise ClipError(
                f"at views: found {self.crops} crops of a clip that is not cropped "
                f"(channels {recipe.channels!r}, crop {recipe.crop!r}); give 1 crop"
            )
        return replace(recipe, short_side=None)


ONE = Views()


def at_fraction(start: float) -> Place:
    """The window at ``start`` of the room, 0 … 1. Raises ClipError: outside."""
    if not 0 <= start <= 1:
        raise ClipError(f"at a clip's start: found {start!r}; give a fraction from 0 to 1")
    return lambda room: math.floor(room * Fraction(start))


def at_clip(clip: int, clips: int) -> Place:
    """Window ``clip`` of ``clips`` evenly placed ones."""
    if clips == 1:
        return lambda room: room // 2
    return lambda room: clip * (room // (clips - 1))


def frame_numbers(total: int, rate: Fraction, recipe: Recipe, place: Place) -> list[int]:
    """Numbers of the T frames of a window in a video of ``total`` frames, rising.

    A step is the recipe's stride, in frames of its own rate where it has one: stride · rate/fps.
    A video that is too short repeats its last frame.
    """
    step = Fraction(recipe.stride)
    if recipe.fps is not None:
        step *= rate / Fraction(str(recipe.fps))
    first = place(max(math.floor(total - recipe.frames * step), 0))
    return [min(math.floor(first + k * step), total - 1) for k in range(recipe.frames)]
