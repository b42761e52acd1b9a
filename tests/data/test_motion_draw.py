"""Drawing: pinned pixels, every frame from its own state, pictures alike in all actions."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.stats import kruskal

from neurosim.data.motion_draw import draw, draw_clip, draw_extended, label_of, look
from neurosim.data.motion_scene import ACTIONS, FRAMES, SIDE, UNIT, Course, course

CLIPS = 300


@pytest.fixture(scope="module")
def scene():
    rng = np.random.default_rng(4)
    return course(rng, ACTIONS.index("grow")), look(rng)


def taken(path: Course, order: np.ndarray) -> Course:
    return Course(**{f.name: getattr(path, f.name)[order] for f in fields(Course)})


def test_pixels_are_pinned():
    digest = hashlib.sha256(b"".join(draw_clip(0, i).tobytes() for i in range(20)))
    assert digest.hexdigest() == "7a7c56cb679f6e9f9ad5157134884837c256ac5b5d5e05bdf5b8762f1faa80cc"


def test_clip_and_its_frame_before():
    clip = draw_clip(3, 8)
    assert clip.shape == (FRAMES, SIDE, SIDE, 3) and clip.dtype == np.uint8
    assert np.array_equal(draw_extended(3, 8)[1:], clip)
    assert not np.array_equal(draw_clip(4, 8), clip) and not np.array_equal(draw_clip(3, 9), clip)


def test_labels_are_balanced():
    assert np.bincount([label_of(i) for i in range(100)]).tolist() == [10] * len(ACTIONS)


def test_a_frame_is_drawn_from_its_own_state_alone(scene):
    path, seen = scene
    order = np.random.default_rng(0).permutation(FRAMES + 1)
    assert np.array_equal(draw(taken(path, order), seen), draw(path, seen)[order])


def test_the_picture_is_a_torus(scene):
    path, seen = scene
    moved = replace(path, x=path.x + 5 * UNIT, ground_y=path.ground_y - 6, ground_x=path.ground_x)
    moved = replace(moved, y=path.y + 3 * UNIT, ground_x=path.ground_x - 10)
    assert np.array_equal(draw(moved, seen), np.roll(draw(path, seen), (3, 5), (1, 2)))


def test_the_object_stays_within_its_radius_and_fills_it(scene):
    path, seen = scene
    nothing = replace(seen, sprite=np.zeros_like(seen.sprite))
    changed = (draw(path, seen) != draw(path, nothing)).any(-1)  # (17, 64, 64)
    area = changed.sum((1, 2)) / (np.pi * (path.radius / UNIT) ** 2)
    assert (area > 0.2).all() and (area < 1).all() and np.ptp(area) < 0.12


def test_a_quarter_turn_turns_the_object(scene):
    """Clockwise as seen: what was on the right is below."""
    path, seen = scene
    still = np.zeros_like(path.x)
    upright = replace(path, x=still + 512, y=still + 512, radius=still + 400, angle=still)
    half = seen.sprite.copy()
    half[:, :16, 3] = 0  # a whole one may be its own half turn
    plain = replace(seen, ground=np.full_like(seen.ground, 128), sprite=half)
    one = draw(upright, plain)[0, 1:, 1:].astype(int)
    two = draw(replace(upright, angle=still + 256), plain)[0, 1:, 1:].astype(int)
    assert np.abs(np.rot90(one, -1) - two).mean() < 0.5 < np.abs(np.rot90(one) - two).mean()


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """One random frame of each of CLIPS clips."""
    pick = np.random.default_rng(2).integers(FRAMES, size=CLIPS)
    return np.stack([draw_clip(9, i)[t] for i, t in enumerate(pick)]).astype(float)


def salience(pictures: np.ndarray) -> np.ndarray:
    """(n, 64, 64): distance from the picture's median colour."""
    return np.abs(pictures - np.median(pictures, axis=(1, 2), keepdims=True)).sum(-1)


FEATURES = {
    "mean": lambda p: p.mean((1, 2, 3)),
    "contrast": lambda p: p.std((1, 2, 3)),
    "red": lambda p: p[..., 0].mean((1, 2)),
    "size": lambda p: (salience(p) > 120).mean((1, 2)),
    "left or right": lambda p: (salience(p) * np.cos(np.pi * np.arange(64) / 32)).mean((1, 2)),
    "up or down": lambda p: (salience(p).mean(2) * np.cos(np.pi * np.arange(64) / 32)).mean(1),
    "edges across": lambda p: np.abs(np.diff(p, axis=2)).mean((1, 2, 3)),
    "edges along": lambda p: np.abs(np.diff(p, axis=1)).mean((1, 2, 3)),
    "slant": lambda p: (np.diff(p, axis=2)[:, 1:] * np.diff(p, axis=1)[:, :, 1:]).mean((1, 2, 3)),
}


@pytest.mark.slow
@pytest.mark.parametrize("feature", FEATURES)
def test_single_frames_are_alike_in_all_actions(pictures, feature):
    values = FEATURES[feature](pictures)
    assert kruskal(*(values[label :: len(ACTIONS)] for label in range(len(ACTIONS))))[1] > 0.005


def test_a_planted_difference_is_found(pictures):
    """The check above can fail: objects of twice the area in one action are seen."""
    values = FEATURES["size"](pictures)
    groups = [values[label :: len(ACTIONS)] for label in range(len(ACTIONS))]
    groups[6] = 2 * groups[6]
    assert kruskal(*groups)[1] < 0.005
