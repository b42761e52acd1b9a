"""One clip through all augmentations, in the order of published video recipes.

Whole-pixel moves first (shift, flip), then colours and RandAugment on the full uint8 frames, then
one resampling with the crop, normalisation, and erasing last.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from neurosim.data.augment.chance import crop_box, erase_box, numpy_generator, place_box
from neurosim.data.augment.how import Augment
from neurosim.data.augment.policy import draw, parse
from neurosim.data.fit import fit, resized_size
from neurosim.data.recipe import Recipe
from neurosim.errors import ClipError


def augment(
    frames: torch.Tensor,
    label: int,
    recipe: Recipe,
    how: Augment,
    generator: torch.Generator,
) -> tuple[torch.Tensor, int]:
    """uint8 (T, 3, H, W) → float32 (T, C, recipe height, recipe width), normalised; and its label.

    All that is random comes from ``generator``, which moves on by one draw.
    Nothing on: ``fit`` of every frame. Event counts, float32 (T, 2, H, W) of the recipe's size,
    stay counts: a crop repeats pixels and never blends them, what is erased holds no events.
    Erasing paints the same noise N(0, 1) on all frames.

    Raises ClipError: another shape or dtype, colours of event counts, a label without a mirror
    image.
    """
    _check(frames, recipe, how)
    rng = numpy_generator(generator)
    frames, label = _flip(_shift(frames, how, rng), label, how, rng)
    clip = _crop(_paint(frames, how, rng), recipe, how, rng)
    return _erase(clip, recipe, how, rng), label


def _check(frames: torch.Tensor, recipe: Recipe, how: Augment) -> None:
    events = recipe.channels == "events"
    dtype, channels = (torch.float32, 2) if events else (torch.uint8, 3)
    good = frames.dtype == dtype and frames.ndim == 4 and frames.shape[1] == channels
    good = good and frames.numel() > 0 and frames.device.type == "cpu"
    if not good or (events and tuple(frames.shape[2:]) != recipe.size):
        size = f"{recipe.size[0]}, {recipe.size[1]}" if events else "H, W"
        raise ClipError(
            f"at the clip to augment: found {frames.dtype} {list(frames.shape)} on "
            f"{frames.device}; give {dtype} [T, {channels}, {size}] on the CPU"
        )
    if events and (how.rand_augment or how.color_jitter):
        raise ClipError(
            "at the clip to augment: found event counts, which have no colours; "
            "leave rand_augment and color_jitter off"
        )


def _shift(frames: torch.Tensor, how: Augment, rng: np.random.Generator) -> torch.Tensor:
    if not how.shift:
        return frames
    by = [int(rng.integers(side)) for side in frames.shape[2:]]
    return frames.roll(by, dims=(2, 3))


def _flip(
    frames: torch.Tensor, label: int, how: Augment, rng: np.random.Generator
) -> tuple[torch.Tensor, int]:
    if rng.random() >= how.flip:
        return frames, label
    return frames.flip(3), label if how.mirror_labels is None else _mirror(label, how.mirror_labels)


def _mirror(label: int, mirror_labels: tuple[int, ...]) -> int:
    if not 0 <= label < len(mirror_labels):
        raise ClipError(
            f"at the clip to augment: found label {label}, but mirror_labels has "
            f"{len(mirror_labels)}; give one for each class"
        )
    return mirror_labels[label]


def _paint(frames: torch.Tensor, how: Augment, rng: np.random.Generator) -> torch.Tensor:
    if not (how.rand_augment or how.color_jitter):
        return frames
    from neurosim.data.augment import colour

    steps = draw(parse(how.rand_augment), rng) if how.rand_augment else ()
    steps += colour.jitter(how.color_jitter, rng) if how.color_jitter else ()
    return torch.from_numpy(colour.apply(_pictures(frames), steps)).permute(0, 3, 1, 2)


def _crop(
    frames: torch.Tensor, recipe: Recipe, how: Augment, rng: np.random.Generator
) -> torch.Tensor:
    height, width = frames.shape[2:]
    if how.resized_crop:
        box = crop_box(rng, (height, width), how.resized_crop, how.ratio)
        return _resize(frames[box.pixels], replace(recipe, crop="none"))
    if how.scale_jitter:
        short = int(rng.integers(*how.scale_jitter, endpoint=True))
        size = resized_size(replace(recipe, short_side=short, crop="center"), height, width)
        large = _resize(frames, replace(recipe, size=size, crop="none"))
        return large[place_box(rng, recipe.size, size).pixels]
    return _resize(frames, recipe)


def _resize(frames: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """(T, C, *recipe.size) float32: ``fit`` of every frame; counts are repeated."""
    if recipe.channels != "events":
        return torch.stack([fit(picture, recipe) for picture in _pictures(frames)])
    rows, columns = (
        torch.arange(new) * old // new
        for new, old in zip(recipe.size, frames.shape[2:], strict=True)
    )
    return frames[:, :, rows][..., columns]


def _pictures(frames: torch.Tensor) -> np.ndarray:
    """(T, H, W, C), laid out as decoded frames are."""
    return frames.permute(0, 2, 3, 1).contiguous().numpy()


def _erase(
    clip: torch.Tensor, recipe: Recipe, how: Augment, rng: np.random.Generator
) -> torch.Tensor:
    box = erase_box(rng, recipe.size) if rng.random() < how.erasing else None
    if box is None:
        return clip
    erased = clip.clone()
    shape = erased[0][box.pixels].shape  # (C, height, width)
    noise = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
    erased[box.pixels] = torch.zeros(shape) if recipe.channels == "events" else noise
    return erased
