"""A batch is a function of its draws: not of threads, of what came before, or of what is kept."""

import torch

from neurosim.data import sets
from neurosim.train.batches import Frames, Loader
from neurosim.train.sampler import Sampler


def loader(config, **changes):
    config = config.with_(**changes)
    videos = sets.open("motion", config.root, "train", number=24)
    return Loader(Frames(videos, config.keep), Sampler(24, 8, seed=config.seed), config)


def same(a, b):
    return all(torch.equal(getattr(a, k), getattr(b, k)) for k in ("clips", "targets", "labels"))


def test_shapes_and_soft_targets(config):
    batch = loader(config).batch(0, 0)
    assert batch.clips.shape == (16, 8, 3, 64, 64) and batch.targets.shape == (8, 10)
    torch.testing.assert_close(batch.targets.sum(1), torch.ones(8))


def test_threads_and_kept_frames_change_nothing(config):
    one = list(loader(config, workers=1, keep=True).epoch(1))
    three = list(loader(config, workers=3, keep=False).epoch(1))
    assert len(one) == 3 and all(same(a, b) for a, b in zip(one, three, strict=True))


def test_an_epoch_can_be_entered_anywhere(config):
    whole, rest = list(loader(config).epoch(2)), list(loader(config).epoch(2, first=1))
    assert all(same(a, b) for a, b in zip(whole[1:], rest, strict=True))


def test_epochs_augment_anew(config):
    frames = loader(config, mix={"mixup": 0.0}, augment={"shift": True})
    first = {int(label): clip for b in (frames.batch(0, u) for u in range(3))
             for label, clip in zip(b.labels, b.clips.unbind(1), strict=True)}  # fmt: skip
    again = {int(label): clip for b in (frames.batch(1, u) for u in range(3))
             for label, clip in zip(b.labels, b.clips.unbind(1), strict=True)}  # fmt: skip
    assert any(not torch.equal(first[k], again[k]) for k in first)


def test_kept_frames_are_the_middle_view(config):
    videos = sets.open("motion", config.root, "validation", number=3)
    for i in range(3):
        assert torch.equal(Frames(videos, True).view(i), Frames(videos, False).view(i))
        assert torch.equal(Frames(videos, True).view(i), videos.view(i))
