"""Resize, crop, channels and normalisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.data.fit import fit, resized_size
from neurosim.data.recipe import Recipe


@pytest.mark.parametrize(
    ("frame", "short_side", "size", "expected"),
    [
        ((240, 320), 256, (224, 224), (256, 341)),
        ((320, 240), 256, (224, 224), (341, 256)),
        ((240, 320), None, (64, 64), (64, 85)),
        ((100, 100), 64, (64, 128), (128, 128)),  # the crop must fit, whatever the short side says
        ((1, 1), None, (8, 8), (8, 8)),
        ((1080, 1920), 224, (224, 224), (224, 398)),
    ],
)
def test_resized_size(frame, short_side, size, expected):
    assert resized_size(Recipe(1, size, 1, short_side), *frame) == expected


def test_squeezed_without_a_crop():
    assert resized_size(Recipe(1, (8, 6), crop="none"), 100, 50) == (8, 6)


def test_centre_crop_without_resizing_keeps_pixels():
    rgb = np.random.default_rng(0).integers(0, 256, (10, 15, 3), np.uint8)
    recipe = Recipe(1, (6, 6), 1, 10, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 1.0))
    expected = (rgb[2:8, 4:10] / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 1.0]
    np.testing.assert_allclose(fit(rgb, recipe).permute(1, 2, 0), expected, atol=1e-6)


@pytest.mark.parametrize(("crop", "crops", "at"), [(0, 3, 0), (1, 3, 4), (2, 3, 9), (0, 1, 4)])
def test_crops_along_the_longer_side(crop, crops, at):
    rgb = np.random.default_rng(0).integers(0, 256, (6, 15, 3), np.uint8)
    recipe = Recipe(1, (6, 6), mean=0.0, std=1.0)
    wide = fit(rgb, recipe, crop, crops).permute(1, 2, 0)
    np.testing.assert_allclose(wide, rgb[:, at : at + 6] / 255, atol=1e-6)
    tall = fit(np.ascontiguousarray(rgb.transpose(1, 0, 2)), recipe, crop, crops)
    np.testing.assert_allclose(tall.permute(2, 1, 0), wide, atol=1e-6)


def test_shrinking_averages():
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[:, ::8] = 255
    small = fit(lines, Recipe(1, (8, 8), mean=0.0, std=1.0))
    assert float((small[:, :, 1:-1] - 1 / 8).abs().max()) < 0.01


def test_gray_is_luma():
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[..., 1] = 255
    found = fit(rgb, Recipe(1, (4, 4), mean=0.0, std=1.0, channels="gray"))
    assert tuple(found.shape) == (1, 4, 4)
    torch.testing.assert_close(found, torch.full((1, 4, 4), 0.587))
