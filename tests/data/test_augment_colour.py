"""Every operation on a small picture, against its definition by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.data.augment.colour import apply, jitter
from neurosim.data.augment.policy import STRENGTH, Step

NOISE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
LUMA = (299, 587, 114)


def done(picture: np.ndarray, name: str, argument: float = 0.0) -> np.ndarray:
    return apply(picture[None], [Step(name, argument)])[0]


def gray(picture: np.ndarray) -> np.ndarray:
    return picture.astype(int) @ LUMA / 1000


def test_levels():
    x = NOISE.astype(int)
    assert np.array_equal(done(NOISE, "invert"), 255 - x)
    assert np.array_equal(done(NOISE, "posterize", 3), x // 32 * 32)
    assert not done(NOISE, "posterize", 0).any()
    assert np.array_equal(done(NOISE, "solarize", 100), np.where(x < 100, x, 255 - x))
    assert np.array_equal(done(NOISE, "solarize", 256), x)
    assert np.array_equal(done(NOISE, "solarize", 0), 255 - x)
    assert np.array_equal(done(NOISE, "solarize add", 55), np.where(x < 128, x + 55, x))


def test_auto_contrast_stretches_each_channel():
    picture = np.zeros((1, 3, 3), np.uint8)
    picture[0] = [[50, 0, 7], [100, 255, 7], [150, 51, 7]]
    expected = [[0, 0, 7], [127, 255, 7], [255, 51, 7]]
    assert np.abs(done(picture, "auto contrast")[0] - np.array(expected)).max() <= 1


def test_equalize_fills_the_range():
    """64 pixels of each of 16 levels: a new level per (1024 − 64) // 255 = 3 darker pixels."""
    picture = np.broadcast_to(100 + np.arange(16)[:, None, None], (16, 64, 3)).astype(np.uint8)
    expected = [min((64 * k + 1) // 3, 255) for k in range(16)]
    assert np.array_equal(done(picture, "equalize")[:, 0, 0], expected)


@pytest.mark.parametrize("factor", [0.1, 0.55, 1.0, 1.45, 1.9])
@pytest.mark.parametrize("name", ["brightness", "contrast", "color"])
def test_blends(name, factor):
    """base + factor · (picture − base): black, the mean gray level, each pixel's own gray level."""
    x = NOISE.astype(float)
    base = {"brightness": 0.0, "contrast": gray(NOISE).mean(), "color": gray(NOISE)[..., None]}
    expected = np.clip(base[name] + factor * (x - base[name]), 0, 255)
    assert np.abs(done(NOISE, name, factor) - expected).max() < 2


def test_sharpness_is_about_a_smoothed_picture():
    """Kernel [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13."""
    dot = np.zeros((5, 5, 3), np.uint8)
    dot[2, 2] = 130
    soft = done(dot, "sharpness", 0.0)[..., 0]
    assert soft[2, 2] == 50 and (soft[1:4, 1:4] > 0).all() and soft[1, 1] == 10
    assert np.array_equal(done(dot, "sharpness", 1.0), dot)
    assert done(dot, "sharpness", 1.5)[2, 2, 0] == 130 + 40


def test_translate_by_a_part_of_the_side():
    right = done(NOISE, "translate x", 0.25)
    assert np.array_equal(right[:, :6], NOISE[:, 2:]) and (right[:, 6:] == 128).all()
    down = done(NOISE, "translate y", -0.125)
    assert np.array_equal(down[1:], NOISE[:-1]) and (down[:1] == 128).all()


@pytest.mark.parametrize("name", ["shear x", "shear y"])
def test_shear_moves_a_row_by_its_height(name):
    """On a ramp 8 x, out(x, y) = 8 (x + factor · (y + ½)); bicubic keeps a ramp."""
    x, y = np.meshgrid(np.arange(16), np.arange(16))
    ramp = np.repeat((8 * x)[..., None], 3, axis=2).astype(np.uint8)
    expected = 8 * (x + 0.25 * (y + 0.5))
    found = done(ramp, name, 0.25) if name == "shear x" else done(ramp.swapaxes(0, 1), name, 0.25)
    found = found if name == "shear x" else found.swapaxes(0, 1)
    inside = x + 0.25 * (y + 0.5) < 13
    inside[:, :2] = False
    assert np.abs(found[..., 0] - expected)[inside].max() <= 1


def test_rotate_turns_anticlockwise_about_the_middle_and_fills_with_gray():
    assert np.array_equal(done(NOISE, "rotate", 90.0), np.rot90(NOISE))
    disc = np.zeros((33, 33, 3), np.uint8)
    disc[16, 26] = 250
    turned = done(disc, "rotate", 30.0)
    y, x = np.unravel_index(turned[3:-3, 3:-3, 0].argmax(), (27, 27))
    assert (y + 3, x + 3) == (round(16 - 10 * 0.5), round(16 + 10 * 0.866))
    assert (turned[0, 0] == 128).all()


def test_steps_follow_one_another_on_every_frame():
    clip = np.stack([NOISE, NOISE[::-1]])
    steps = [Step("invert", 0), Step("posterize", 1)]
    expected = (255 - clip.astype(int)) // 128 * 128
    assert np.array_equal(apply(clip, steps), expected)
    assert apply(clip, []) is clip


def test_every_operation_of_the_policy_is_there():
    for name, strength in STRENGTH.items():
        assert done(NOISE, name, strength(0.9, -1)).shape == NOISE.shape


def test_jitter_draws_three_factors_in_any_order():
    rng = np.random.default_rng(0)
    drawn = [jitter(0.4, rng) for _ in range(300)]
    assert len({tuple(step.name for step in steps) for steps in drawn}) == 6
    factors = np.array([sorted((s.name, s.argument) for s in steps) for steps in drawn])
    assert (factors[0, :, 0] == ["brightness", "color", "contrast"]).all()
    values = factors[..., 1].astype(float)
    assert 0.6 <= values.min() < 0.62 and 1.38 < values.max() <= 1.4
    assert np.abs(values.mean(0) - 1).max() < 0.05
    assert abs(np.corrcoef(values.T)[0, 1]) < 0.2
