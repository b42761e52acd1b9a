"""Pixels to what a model expects: resize, crop, channels, normalise (the recipe's equation)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn.functional import interpolate

from neurosim.data.recipe import CHANNELS, Recipe

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def resized_size(recipe: Recipe, height: int, width: int) -> tuple[int, int]:
    """(height, width) after resizing, before the crop; never smaller than the crop."""
    if recipe.crop == "none":
        return recipe.size
    target_h, target_w = recipe.size
    cover = max(target_h / height, target_w / width)
    scale = max(cover, (recipe.short_side or 0) / min(height, width))
    new_h, new_w = (math.floor(side * scale + 1e-6) for side in (height, width))
    return max(new_h, target_h), max(new_w, target_w)


def fit(rgb: np.ndarray, recipe: Recipe, crop: int = 0, crops: int = 1) -> torch.Tensor:
    """(H, W, 3) uint8 → (C, recipe height, recipe width) float32: ((resized/255) − mean)/std.

    Bilinear, wide enough to average when a frame shrinks, so that small objects do not flicker.
    ``crop`` of ``crops``: evenly placed along the frame's longer side, from its start to its end
    (three: left, centre, right, or top, centre, bottom); one: the middle.
    """
    pixels = torch.from_numpy(rgb).permute(2, 0, 1)[None].float().div(255)
    size = resized_size(recipe, *rgb.shape[:2])
    if tuple(pixels.shape[2:]) != size:
        pixels = interpolate(pixels, size, mode="bilinear", align_corners=False, antialias=True)
    top, left = _corner(rgb.shape[0] > rgb.shape[1], size, recipe.size, crop, crops)
    pixels = pixels[0, :, top : top + recipe.size[0], left : left + recipe.size[1]]
    if recipe.channels == "gray":
        pixels = (pixels * torch.tensor(_LUMA)[:, None, None]).sum(0, keepdim=True)
    return (pixels - _per_channel(recipe.mean, recipe)) / _per_channel(recipe.std, recipe)


def _corner(
    upright: bool, size: tuple[int, int], cut: tuple[int, int], crop: int, crops: int
) -> tuple[int, int]:
    room = size[0] - cut[0], size[1] - cut[1]
    top, left = room[0] // 2, room[1] // 2
    if crops == 1:
        return top, left
    along = room[0 if upright else 1] * crop // (crops - 1)
    return (along, left) if upright else (top, along)


def _per_channel(value: float | tuple[float, ...], recipe: Recipe) -> torch.Tensor:
    numbers = torch.tensor(value if isinstance(value, tuple) else (value,), dtype=torch.float32)
    return numbers.expand(CHANNELS[recipe.channels])[:, None, None]
