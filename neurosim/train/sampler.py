"""Which clips make which update: a pure function of seed, epoch and place.

Nothing is drawn while training goes on, so that the state of the sampler is (epoch, update) and a
resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Draw:
    """One clip of one batch: its number in the set, and the seed of its augmentation."""

    index: int
    seed: int


@dataclass(frozen=True)
class Sampler:
    """Every epoch shuffles all clips and cuts them into updates of ``batch`` draws.

    ``repeats``: each clip is drawn so many times in a row, augmented anew (repeated augmentation,
    Hoffer et al., CVPR 2020). What fills no batch is left out of the epoch; another shuffle leaves
    out others. Process ``rank`` of ``world`` takes every world-th draw of a batch.
    """

    clips: int
    batch: int
    repeats: int = 1
    seed: int = 0
    rank: int = 0
    world: int = 1

    @property
    def updates(self) -> int:
        """Updates of an epoch."""
        return max(1, self.clips * self.repeats // self.batch)

    def draws(self, epoch: int, update: int) -> tuple[Draw, ...]:
        """What this process draws for one update."""
        order = self.order(epoch)
        first = update * self.batch
        places = range(first + self.rank, first + self.batch, self.world)
        return tuple(
            Draw(int(order[place // self.repeats % self.clips]), seed_of(self.seed, epoch, place))
            for place in places
        )

    def order(self, epoch: int) -> torch.Tensor:
        """The epoch's shuffle of the clips."""
        generator = torch.Generator().manual_seed(seed_of(self.seed, epoch, -1))
        return torch.randperm(self.clips, generator=generator)


def seed_of(*parts: int) -> int:
    """A seed of 63 bits from numbers: independent streams for neighbouring numbers."""
    text = ",".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "little") >> 1
