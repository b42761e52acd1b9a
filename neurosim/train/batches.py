"""Augmented batches, prepared by threads while the model works on earlier ones.

A batch depends on its draws alone, never on which thread made it or when.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
from torch import Tensor

from neurosim.data.augment import Augment, augment
from neurosim.data.mix import mix
from neurosim.data.sets import VideoSet
from neurosim.train.config import TrainConfig
from neurosim.train.sampler import Draw, Sampler, seed_of

AHEAD = 2  # batches ready beyond the one in use


@dataclass(frozen=True)
class Batch:
    """``clips`` [T, B, C, H, W] float32, ``targets`` (B, classes) soft labels, ``labels`` (B,)."""

    clips: Tensor
    targets: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Frames:
    """Decoded frames of a set; with ``keep`` each clip is read once, at its middle, and held."""

    videos: VideoSet
    keep: bool = False
    _held: dict[int, Tensor] = field(default_factory=dict[int, Tensor])

    def window(self, index: int, start: float) -> Tensor:
        """Frames of the window at ``start`` (0 … 1), or always of the middle one."""
        if not self.keep:
            return self.videos.frames(index, start)
        found = self._held.get(index)
        if found is None:
            found = self._held[index] = self.videos.frames(index, 0.5)
        return found

    def view(self, index: int) -> Tensor:
        """The middle view, float32 (T, C, H, W), as ``VideoSet.view`` makes it."""
        if not self.keep:
            return self.videos.view(index)
        nothing = torch.Generator()
        return augment(self.window(index, 0.5), 0, self.videos.recipe, Augment(), nothing)[0]


@dataclass(frozen=True)
class Loader:
    """Batches of a set under a config."""

    frames: Frames
    sampler: Sampler
    config: TrainConfig

    def epoch(self, number: int, first: int = 0) -> Generator[Batch, None, None]:
        """Batches ``first`` … of epoch ``number``, in order."""
        pool = ThreadPoolExecutor(self.config.workers, "neurosim-batches")
        waiting: deque[Future[Batch]] = deque()
        try:
            for update in range(first, self.sampler.updates):
                waiting.append(pool.submit(self.batch, number, update))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def batch(self, epoch: int, update: int) -> Batch:
        """One batch of this process."""
        draws = self.sampler.draws(epoch, update)
        clips, labels = zip(*(self._one(draw) for draw in draws), strict=True)
        held = torch.tensor(labels)
        generator = torch.Generator().manual_seed(
            seed_of(self.config.seed, epoch, update, self.sampler.rank)
        )
        mixed, targets = mix(
            torch.stack(clips, 1), held, len(self.frames.videos.classes), self.config.mix, generator
        )
        return Batch(mixed, targets, held)

    def _one(self, draw: Draw) -> tuple[Tensor, int]:
        generator = torch.Generator().manual_seed(draw.seed)
        start = float(torch.rand((), generator=generator))
        videos = self.frames.videos
        return augment(
            self.frames.window(draw.index, start),
            videos.items[draw.index].label,
            videos.recipe,
            self.config.augment,
            generator,
        )
