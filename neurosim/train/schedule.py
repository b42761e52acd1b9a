"""Learning rate and weight-decay groups: pure functions of the step and of the parameters' names.

Warm-up and cosine: lr(s) = lr_min + (lr − lr_min)·s/w for s < w, then
lr_min + (lr − lr_min)·(1 + cos(π·(s − w)/(S − w)))/2 (Loshchilov & Hutter, ICLR 2017), with s the
update's number, w those of the warm-up and S all of them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from neurosim.train.config import TrainConfig


def learning_rate(step: int, steps_per_epoch: int, config: TrainConfig) -> float:
    """Of update ``step``, counted from 0."""
    warm = config.warmup_epochs * steps_per_epoch
    total = max(config.epochs * steps_per_epoch - 1, 1)
    span = config.lr - config.lr_min
    if step < warm:
        return config.lr_min + span * (step + 1) / (warm + 1)
    way = (step - warm) / max(total - warm, 1)
    return config.lr_min + span * (1 + math.cos(math.pi * min(way, 1.0))) / 2


def optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter, ICLR 2019) that decays matrices and kernels alone.

    A parameter of at most one axis (bias, norm, time constant) is not decayed, as in SVFormer's
    recipe.
    """
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for _, p in named if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for _, p in named if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.lr)
