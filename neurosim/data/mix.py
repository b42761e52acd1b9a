"""Mixup, cutmix and label smoothing on a batch: soft targets, and the loss that takes them.

Mixup: Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018. Cutmix: Yun et al.,
"CutMix: regularization strategy to train strong classifiers with localizable features", ICCV 2019.
Pairs, boxes and smoothing as in timm's batch mode (huggingface/pytorch-image-models,
timm/data/mixup.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from neurosim.data.augment import fields
from neurosim.data.augment.chance import Box, numpy_generator
from neurosim.errors import ClipError

_PLACE = "mix"


@dataclass(frozen=True)
class Mix:
    """With ``prob``, a batch is mixed: λ ~ Beta(α, α), α = ``mixup`` or ``cutmix`` (0: off).

    Where both are on, ``switch`` is the probability of cutmix. ``smoothing`` s: the label's target
    is 1 − s + s/classes, the others' s/classes, mixed or not. Raises ClipError: out of range.
    """

    mixup: float = 0.0
    cutmix: float = 0.0
    prob: float = 1.0
    switch: float = 0.5
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        good = {name: fields.number(getattr(self, name)) for name in ("mixup", "cutmix")}
        for name in ("prob", "switch", "smoothing"):
            good[name] = fields.number(getattr(self, name), high=1)
        fields.check(_PLACE, self, good, _REMEDY)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return fields.to_dict(self)

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> Mix:
        """Inverse of ``to_dict``; what is left out is off. Raises ClipError: an unknown field."""
        return fields.from_dict(Mix, _PLACE, d)


def mix(
    clips: torch.Tensor, labels: torch.Tensor, classes: int, how: Mix, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips (T, B, C, H, W) and soft targets (B, classes) float32; the input is left as it was.

    Clip b is mixed with clip B − 1 − b, all with one λ and one box. Mixup: λ a + (1 − λ) b.
    Cutmix: a box of b in a, of √(1 − λ) of each side, cut off at the border; λ is then set to the
    part of a that is left. Targets are mixed with the same λ.

    Raises ClipError: clips or labels of another shape or dtype, a label outside 0 … classes − 1.
    """
    _check(clips, labels, classes)
    clips, share = _mix_clips(clips, how, numpy_generator(generator))
    targets = _smooth(labels.to(clips.device), classes, how.smoothing)
    return clips, share * targets + (1 - share) * targets.flip(0)


def soft_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """−Σ_c targets · log softmax(logits), both (B, classes), mean over B."""
    return functional.cross_entropy(logits, targets)


def _check(clips: torch.Tensor, labels: torch.Tensor, classes: int) -> None:
    whole = not (labels.is_floating_point() or labels.dtype == torch.bool)
    good = clips.ndim == 5 and clips.is_floating_point() and whole
    if not good or labels.shape != clips.shape[1:2]:
        raise ClipError(
            f"at the batch to mix: found clips {clips.dtype} {list(clips.shape)} and labels "
            f"{labels.dtype} {list(labels.shape)}; give float [T, B, C, H, W] and integer [B]"
        )
    outside = labels[(labels < 0) | (labels >= classes)]
    if len(outside):
        raise ClipError(
            f"at the batch to mix: found label {int(outside[0])}; give labels in 0 … {classes - 1}"
        )


def _mix_clips(
    clips: torch.Tensor, how: Mix, rng: np.random.Generator
) -> tuple[torch.Tensor, float]:
    """The clips, and the share λ that each keeps of itself."""
    if not (how.mixup or how.cutmix) or rng.random() >= how.prob:
        return clips, 1.0
    cut = bool(how.cutmix) and (not how.mixup or bool(rng.random() < how.switch))
    alpha = how.cutmix if cut else how.mixup
    share = float(rng.beta(alpha, alpha))
    return _cutmix(clips, share, rng) if cut else (clips.lerp(clips.flip(1), 1 - share), share)


def _cutmix(
    clips: torch.Tensor, share: float, rng: np.random.Generator
) -> tuple[torch.Tensor, float]:
    height, width = clips.shape[-2:]
    box = _cut_box(rng, (height, width), share)
    mixed = clips.clone()
    mixed[box.pixels] = clips.flip(1)[box.pixels]
    return mixed, 1 - box.area / (height * width)


def _cut_box(rng: np.random.Generator, size: tuple[int, int], share: float) -> Box:
    """Its middle is uniform in (H, W), each half-side ⌊⌊side · √(1 − share)⌋ / 2⌋."""
    edges: list[int] = []
    for side in size:
        half = int(side * math.sqrt(1 - share)) // 2
        middle = int(rng.integers(side))
        edges += [max(middle - half, 0), min(middle + half, side)]
    return Box(*edges)


def _smooth(labels: torch.Tensor, classes: int, smoothing: float) -> torch.Tensor:
    """(B, classes) float32; each row sums to 1."""
    one_hot = functional.one_hot(labels.long(), classes).float()
    return one_hot * (1 - smoothing) + smoothing / classes


_REMEDY = {
    "mixup": "give Beta's α, a finite number of at least 0 (0: off)",
    "cutmix": "give Beta's α, a finite number of at least 0 (0: off)",
    "prob": "give a probability in 0 … 1",
    "switch": "give a probability in 0 … 1",
    "smoothing": "give a number in 0 … 1",
}
