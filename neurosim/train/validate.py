"""Accuracy and activity of a model on a whole set, one view a video, shared between processes.

Process r of w takes videos r, r + w, r + 2w, …: every video once, none left out, none twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from neurosim.train import fabric
from neurosim.train.batches import Frames
from neurosim.train.metrics import scores
from neurosim.train.outputs import logits as scores_of
from neurosim.train.penalty import SynapticOperations


@dataclass(frozen=True)
class Validation:
    """``synaptic_operations``: per video; ``fan_out_rate``: over those of a network in which every
    neuron fires at every step. None where activity was not counted."""

    top1: float
    top5: float
    loss: float
    fan_out_rate: float | None
    synaptic_operations: float | None
    videos: int

    def row(self) -> dict[str, float]:
        """As ``metrics.csv`` names them."""
        found = {"top1": self.top1, "top5": self.top5, "validation_loss": self.loss}
        if self.fan_out_rate is not None and self.synaptic_operations is not None:
            found["fan_out_rate"] = self.fan_out_rate
            found["synaptic_operations"] = self.synaptic_operations
        return found


def validate(
    module: nn.Module,
    frames: Frames,
    on: Fabric,
    batch_size: int,
    counted: SynapticOperations | None,
) -> Validation:
    """The whole set through the module in eval mode; its mode is as before afterwards."""
    videos = frames.videos
    mine = list(range(on.global_rank, len(videos), on.world_size))
    before, found = module.training, []
    module.eval()
    operations = share = 0.0
    with torch.no_grad():
        for indices, clips in _batches(frames, mine, batch_size):
            with nullcontext() if counted is None else counted.listen():
                logits = scores_of(module(on.to_device(clips)), len(indices)).float().cpu()
            if counted is not None:
                operations += float(counted.total())
                share += float(counted.share()) * len(indices)
            found += [
                (i, videos.items[i].label, row) for i, row in zip(indices, logits, strict=True)
            ]
    module.train(before)
    return _summary(on, found, operations, share, counted is not None)


def _summary(
    on: Fabric,
    mine: list[tuple[int, int, Tensor]],
    operations: float,
    share: float,
    counted: bool,
) -> Validation:
    found = sorted(fabric.concatenated(on, mine), key=lambda item: item[0])
    sums = fabric.mean(on, {"operations": operations, "share": share})
    logits = torch.stack([row for _, _, row in found])
    labels = torch.tensor([label for _, label, _ in found])
    reached, each = scores(logits, labels), on.world_size / len(found)
    return Validation(
        reached.top1,
        reached.top5,
        float(functional.cross_entropy(logits, labels)),
        sums["share"] * each if counted else None,
        sums["operations"] * each if counted else None,
        len(found),
    )


def _batches(frames: Frames, indices: list[int], size: int) -> Iterator[tuple[list[int], Tensor]]:
    """Groups of indices with their clips [T, B, C, H, W]; the next group is read meanwhile."""
    groups = [indices[i : i + size] for i in range(0, len(indices), size)]
    with ThreadPoolExecutor(1, "neurosim-validation") as pool:

        def load(group: list[int]) -> Tensor:
            return torch.stack([frames.view(i) for i in group], 1)

        ahead = [pool.submit(load, group) for group in groups[:1]]
        for k, group in enumerate(groups):
            clips = ahead.pop().result()
            ahead = [pool.submit(load, g) for g in groups[k + 1 : k + 2]]
            yield group, clips
