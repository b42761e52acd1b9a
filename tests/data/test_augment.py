"""A clip through the augmentations: exact pixels, one draw for all frames, labels."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from neurosim.data.augment import Augment, augment, mirrored
from neurosim.data.fit import fit
from neurosim.data.motion_draw import Look, draw, look
from neurosim.data.motion_scene import ACTIONS, SIDE, UNIT, Course, course
from neurosim.data.recipe import Recipe
from neurosim.errors import ClipError

RECIPE = Recipe(frames=3, size=(12, 12), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
PLAIN = Recipe(frames=3, size=(12, 12), mean=0.0, std=1 / 255)  # pixels come out as they went in
ALL = Augment(
    resized_crop=(0.2, 1.0),
    flip=0.5,
    rand_augment="rand-m7-n3-mstd1",
    color_jitter=0.4,
    erasing=0.5,
    shift=True,
    mirror_labels=(1, 0),
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def video(height: int = 12, width: int = 12, frames: int = 3, seed: int = 0) -> torch.Tensor:
    shape = (frames, 3, height, width)
    return torch.randint(256, shape, generator=seeded(seed), dtype=torch.uint8)


def fitted(frames: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    pictures = np.ascontiguousarray(frames.permute(0, 2, 3, 1))
    return torch.stack([fit(picture, recipe) for picture in pictures])


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        replace(RECIPE, short_side=16),
        replace(RECIPE, crop="none", size=(9, 14)),
        replace(RECIPE, channels="gray", mean=0.4, std=0.2),
    ],
)
def test_nothing_on_is_fit_to_the_bit(recipe):
    frames = video(21, 33)
    found, label = augment(frames, 4, recipe, Augment(), seeded())
    assert torch.equal(found, fitted(frames, recipe)) and label == 4


def test_the_generator_decides_and_the_global_state_stays():
    frames, before = video(20, 30), frames_state()
    one, two = (augment(frames, 0, RECIPE, ALL, seeded(5)) for _ in range(2))
    assert torch.equal(one[0], two[0]) and one[1] == two[1]
    assert torch.equal(frames, video(20, 30))
    assert frames_state() == before
    clips = [augment(frames, 0, RECIPE, ALL, seeded(seed))[0] for seed in range(20)]
    assert len({clip.numpy().tobytes() for clip in clips}) == 20


def frames_state() -> tuple[object, ...]:
    return torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate()


@pytest.mark.parametrize("how", [ALL, replace(ALL, resized_crop=None, scale_jitter=(12, 20))])
def test_all_frames_of_a_clip_are_treated_alike(how):
    still = video(20, 30, frames=1).expand(4, -1, -1, -1)
    for seed in range(40):
        clip, _ = augment(still, 0, RECIPE, how, seeded(seed))
        assert clip.shape == (4, 3, 12, 12) and clip.dtype == torch.float32
        assert all(torch.equal(frame, clip[0]) for frame in clip)


def test_a_shift_is_a_roll_by_any_number_of_pixels():
    frames = video(4, 3)
    recipe = replace(PLAIN, size=(4, 3))
    rolls = {(y, x): frames.roll((y, x), (2, 3)).float() for y in range(4) for x in range(3)}
    seen = set()
    for seed in range(150):
        clip, label = augment(frames, 7, recipe, Augment(shift=True), seeded(seed))
        places = [p for p, rolled in rolls.items() if torch.allclose(clip, rolled, atol=1e-3)]
        assert len(places) == 1 and label == 7
        seen.update(places)
    assert seen == set(rolls)


def test_a_flip_mirrors_pixels_and_label():
    frames = video()
    for label, becomes in ((0, 2), (1, 1), (2, 0)):
        how = Augment(flip=1.0, mirror_labels=(2, 1, 0))
        clip, found = augment(frames, label, RECIPE, how, seeded())
        assert torch.equal(clip, fitted(frames.flip(3), RECIPE)) and found == becomes
    assert augment(frames, 2, RECIPE, Augment(flip=1.0), seeded())[1] == 2


def test_half_of_the_clips_are_flipped_pixels_and_label_together():
    frames, how = video(), Augment(flip=0.5, mirror_labels=(1, 0))
    flipped, plain = fitted(frames.flip(3), RECIPE), fitted(frames, RECIPE)
    labels = []
    for seed in range(800):
        clip, label = augment(frames, 0, RECIPE, how, seeded(seed))
        assert torch.equal(clip, flipped if label else plain)
        labels.append(label)
    assert 350 < sum(labels) < 450


def test_a_label_without_a_mirror_image():
    with pytest.raises(ClipError, match=r"^at the clip to augment: found label 2, but .* has 2; "):
        augment(video(), 2, RECIPE, Augment(flip=1.0, mirror_labels=(1, 0)), seeded())


def mirror_course(path: Course) -> Course:
    x, ground = (SIDE - 1) * UNIT - path.x, 1 - path.ground_x
    return replace(path, x=x % (SIDE * UNIT), angle=-path.angle, ground_x=ground)


def mirror_look(seen: Look) -> Look:
    return Look(seen.ground[:, ::-1], seen.sprite[:, ::-1])


@pytest.mark.parametrize("action", ["left", "right", "clockwise", "anticlockwise", "grow"])
def test_a_flipped_clip_is_one_drawn_in_a_mirror(action):
    label = ACTIONS.index(action)
    rng = np.random.default_rng(11)
    path, seen = course(rng, label), look(rng)
    frames = torch.from_numpy(draw(path, seen)).permute(0, 3, 1, 2)
    how = Augment(flip=1.0, mirror_labels=mirrored(ACTIONS))
    recipe = replace(PLAIN, size=(SIDE, SIDE))
    clip, becomes = augment(frames, label, recipe, how, seeded())
    drawn = draw(mirror_course(path), mirror_look(seen)).transpose(0, 3, 1, 2)
    assert np.abs(clip.numpy() - drawn).mean() < 0.2
    assert np.abs(frames.numpy() - drawn.astype(int)).mean() > 2
    same_chances = course(np.random.default_rng(11), becomes)
    assert motion(mirror_course(path), path) == motion(same_chances, path)


def motion(path: Course, shaken: Course) -> list[int]:
    """How place, angle and radius go on from frame to frame, apart from the camera's shake."""
    camera = UNIT // 2 * np.diff(shaken.ground_x)
    way = -1 if np.array_equal(path.ground_x, 1 - shaken.ground_x) else 1
    x = (np.diff(path.x) + way * camera) % (SIDE * UNIT)
    return [*x, *(np.diff(path.angle) % 1024), *np.diff(path.radius)]


def test_scale_jitter_resizes_then_crops_anywhere():
    frames, how = video(8, 12), Augment(scale_jitter=(6, 7))
    recipe = replace(RECIPE, size=(5, 5))
    windows = {}
    for size in ((6, 9), (7, 10)):
        large = fitted(frames, replace(recipe, size=size, crop="none"))
        for y in range(size[0] - 4):
            for x in range(size[1] - 4):
                windows[size, y, x] = large[:, :, y : y + 5, x : x + 5]
    seen = set()
    for seed in range(200):
        clip, _ = augment(frames, 0, recipe, how, seeded(seed))
        seen.update(key for key, window in windows.items() if torch.equal(clip, window))
    assert seen == set(windows)


def test_scale_jitter_never_leaves_a_hole():
    clip, _ = augment(video(8, 12), 0, RECIPE, Augment(scale_jitter=(2, 3)), seeded())
    assert clip.shape == (3, 3, 12, 12)


def test_resized_crops_are_windows_brought_to_size():
    frames, how = video(5, 6), Augment(resized_crop=(0.3, 0.9), ratio=(0.5, 2.0))
    squeeze, windows = replace(RECIPE, size=(4, 4), crop="none"), {}
    for top, left in np.ndindex(5, 6):
        for bottom, right in np.ndindex(6, 7):
            if 5 < (bottom - top) * (right - left) and bottom > top and right > left:
                window = frames[:, :, top:bottom, left:right]
                key = fitted(window, squeeze).numpy().tobytes()
                windows[key] = top, bottom, left, right
    seen = set()
    for seed in range(100):
        clip, _ = augment(frames, 0, replace(squeeze, crop="center"), how, seeded(seed))
        seen.add(windows[clip.contiguous().numpy().tobytes()])
    assert len(seen) > 20


def test_the_whole_frame_as_a_resized_crop():
    how = Augment(resized_crop=(1.0, 1.0), ratio=(1.0, 1.0))
    clip, _ = augment(video(16, 16), 0, RECIPE, how, seeded())
    assert torch.equal(clip, fitted(video(16, 16), RECIPE))


def test_erasing_paints_one_box_with_the_same_noise_in_all_frames():
    plain, boxes = fitted(video(), RECIPE), []
    for seed in range(50):
        clip, _ = augment(video(), 0, RECIPE, Augment(erasing=1.0), seeded(seed))
        changed = clip != plain
        mask = changed[0, 0]
        rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
        area = len(rows) * len(columns)
        assert bool((changed == mask).all()) and int(mask.sum()) == area > 0
        assert int(rows[-1] - rows[0]) + 1 == len(rows)
        assert int(columns[-1] - columns[0]) + 1 == len(columns)
        assert area <= 0.45 * mask.numel()  # a third, and rounded sides
        boxes.append(clip[:, :, mask])
    noise = torch.cat(boxes, dim=2)
    assert torch.equal(noise[0], noise[2])
    assert abs(float(noise[0].mean())) < 0.1 and abs(float(noise[0].std()) - 1) < 0.1


def test_a_quarter_is_erased():
    plain = fitted(video(), RECIPE)
    how = Augment(erasing=0.25)
    whole = [
        torch.equal(augment(video(), 0, RECIPE, how, seeded(seed))[0], plain) for seed in range(200)
    ]
    assert 30 < whole.count(False) < 70


def affine(*rows: float) -> Callable[[Image.Image], Image.Image]:
    return lambda p: p.transform(
        p.size, Image.Transform.AFFINE, rows, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)
    )


# at magnitude 9, what timm's operations do to a picture 24 pixels wide and high
AT_NINE: dict[str, Callable[[Image.Image], Image.Image]] = {
    "none": lambda p: p,
    "auto contrast": ImageOps.autocontrast,
    "equalize": ImageOps.equalize,
    "invert": ImageOps.invert,
    "rotate +": lambda p: p.rotate(27, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)),
    "rotate -": lambda p: p.rotate(-27, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)),
    "posterize": lambda p: ImageOps.posterize(p, 3),
    "solarize": lambda p: ImageOps.solarize(p, 230),
    "solarize add": lambda p: p.point([i + 99 if i < 128 else i for i in range(256)] * 3),
    "color": lambda p: ImageEnhance.Color(p).enhance(1.72),
    "contrast": lambda p: ImageEnhance.Contrast(p).enhance(1.72),
    "brightness": lambda p: ImageEnhance.Brightness(p).enhance(1.72),
    "sharpness": lambda p: ImageEnhance.Sharpness(p).enhance(1.72),
    "shear x +": affine(1, 0.27, 0, 0, 1, 0),
    "shear x -": affine(1, -0.27, 0, 0, 1, 0),
    "shear y +": affine(1, 0, 0, 0.27, 1, 0),
    "shear y -": affine(1, 0, 0, -0.27, 1, 0),
    "translate x +": affine(1, 0, 0.405 * 24, 0, 1, 0),
    "translate x -": affine(1, 0, -0.405 * 24, 0, 1, 0),
    "translate y +": affine(1, 0, 0, 0, 1, 0.405 * 24),
    "translate y -": affine(1, 0, 0, 0, 1, -0.405 * 24),
}


def test_rand_augment_does_one_of_timms_operations():
    frames = (video(24, 24) * 0.8 + 40).byte()  # 40 … 244: auto contrast and solarize show
    pictures = [Image.fromarray(f) for f in np.ascontiguousarray(frames.permute(0, 2, 3, 1))]
    named = {}
    for name, operation in AT_NINE.items():
        done = np.stack([np.asarray(operation(picture)) for picture in pictures])
        named[fitted(torch.from_numpy(done).permute(0, 3, 1, 2), RECIPE).numpy().tobytes()] = name
    assert len(named) == len(AT_NINE)
    how, seen = Augment(rand_augment="rand-m9-n1"), []
    for seed in range(400):
        clip, _ = augment(frames, 0, RECIPE, how, seeded(seed))
        seen.append(named[clip.numpy().tobytes()])
    assert set(seen) == set(AT_NINE) and 160 < seen.count("none") < 240


def test_color_jitter_stays_within_its_factors():
    """Of a gray clip only brightness and contrast are left: one level, 0.6 … 1.4 of what it was."""
    gray = torch.full((3, 3, 12, 12), 100, dtype=torch.uint8)
    how, levels = Augment(color_jitter=0.4), []
    for seed in range(100):
        clip, _ = augment(gray, 0, PLAIN, how, seeded(seed))
        levels.append(float(clip.max()))
        assert float(clip.max() - clip.min()) < 1e-3
    assert 59 < min(levels) < 66 and 134 < max(levels) < 141


@pytest.mark.parametrize(
    ("frames", "recipe"),
    [
        (video().float(), RECIPE),
        (video()[0], RECIPE),
        (video()[:, :1], RECIPE),
        (video()[:0], RECIPE),
        (video().to("meta"), RECIPE),
    ],
)
def test_one_line_for_another_clip(frames, recipe):
    with pytest.raises(ClipError, match=r"\Aat the clip to augment: found [^\n]*; give [^\n]*\Z"):
        augment(frames, 0, recipe, Augment(), seeded())
