"""Event counts through the augmentations: they stay counts, and have no colours."""

from __future__ import annotations

import pytest
import torch

from neurosim.data.augment import Augment, augment
from neurosim.data.recipe import Recipe
from neurosim.errors import ClipError

EVENTS = Recipe(frames=3, size=(12, 10), channels="events", bin_ms=40.0)
RGB = Recipe(frames=3, size=(12, 10))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def counts() -> torch.Tensor:
    """(3, 2, 12, 10) float32; every count says its frame, polarity and place."""
    return torch.arange(1.0, 3 * 2 * 12 * 10 + 1).reshape(3, 2, 12, 10)


def test_nothing_on_leaves_them_as_they_are():
    clip, label = augment(counts(), 4, EVENTS, Augment(), seeded())
    assert torch.equal(clip, counts()) and label == 4


def test_event_counts_stay_counts():
    how = Augment(resized_crop=(0.2, 0.9), flip=0.5, shift=True, erasing=0.5)
    for seed in range(50):
        clip, _ = augment(counts(), 0, EVENTS, how, seeded(seed))
        assert clip.shape == (3, 2, 12, 10) and clip.dtype == torch.float32
        assert set(clip.flatten().tolist()) <= {0.0, *counts().flatten().tolist()}
        apart = clip[1, 0] - clip[0, 0]  # frames and polarities keep to themselves
        assert set(apart.flatten().tolist()) <= {0.0, 240.0}
        assert set((clip[0, 1] - clip[0, 0]).flatten().tolist()) <= {0.0, 120.0}


@pytest.mark.parametrize(
    "how", [Augment(resized_crop=(0.1, 0.9), ratio=(0.5, 2.0)), Augment(scale_jitter=(10, 30))]
)
def test_a_crop_of_event_counts_repeats_whole_pixels(how):
    sizes = set()
    for seed in range(50):
        clip, _ = augment(counts(), 0, EVENTS, how, seeded(seed))
        place = clip[0, 0] - 1
        rows, columns = place[:, 0] // 10, place[0] % 10
        assert torch.equal(place, 10 * rows[:, None] + columns)
        for line in (rows, columns):
            steps = set(line.diff().tolist())
            repeats = line.unique_consecutive(return_counts=True)[1]
            assert steps <= {0.0, 1.0}
            inner = repeats[1:-1] if how.scale_jitter else repeats
            assert not len(inner) or int(inner.max() - inner.min()) <= 1
        sizes.add((len(rows.unique()), len(columns.unique())))
    assert len(sizes) > 5


def test_shift_and_flip_of_event_counts():
    clip, label = augment(counts(), 1, EVENTS, Augment(flip=1.0, mirror_labels=(1, 0)), seeded())
    assert torch.equal(clip, counts().flip(3)) and label == 0
    clip, _ = augment(counts(), 1, EVENTS, Augment(shift=True), seeded(1))
    rolls = [counts().roll((y, x), (2, 3)) for y in range(12) for x in range(10)]
    assert sum(torch.equal(clip, rolled) for rolled in rolls) == 1


@pytest.mark.parametrize("how", [Augment(color_jitter=0.1), Augment(rand_augment="rand-m5")])
def test_event_counts_have_no_colours(how):
    with pytest.raises(ClipError, match="^at the clip to augment: found event counts, .* off$"):
        augment(counts(), 0, EVENTS, how, seeded())


def test_what_is_erased_holds_no_events():
    for seed in range(50):
        clip, _ = augment(counts(), 0, EVENTS, Augment(erasing=1.0), seeded(seed))
        gone = clip == 0
        rows, columns = gone[0, 0].any(1), gone[0, 0].any(0)
        assert bool((gone == rows[:, None] & columns).all()) and bool(gone.any())
        assert torch.equal(clip, counts() * ~gone)


@pytest.mark.parametrize(
    ("frames", "recipe"),
    [
        (counts(), RGB),
        (torch.zeros(3, 3, 12, 10, dtype=torch.uint8), EVENTS),
        (counts().long(), EVENTS),
        (counts()[..., :8], EVENTS),
    ],
)
def test_one_line_for_another_clip(frames, recipe):
    with pytest.raises(ClipError, match=r"\Aat the clip to augment: found [^\n]*; give [^\n]*\Z"):
        augment(frames, 0, recipe, Augment(), seeded())
