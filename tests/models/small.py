"""Published architectures with their widths cut down, and clips for them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurosim import models

ATTENTION: dict[str, Any] = {"dim": 32, "depth": 1, "heads": 2, "classes": 10}
META: dict[str, Any] = {
    "channels": (8, 8, 16, 16),
    "depth": (1, 1, 1, 1),
    "heads": 2,
    "classes": 10,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "sew_resnet_34": {"layers": (2, 1, 1, 1), "width": 8, "classes": 10},
    "sew_resnet_50": {"layers": (1, 1, 1, 1), "width": 4, "classes": 10},
    "spikformer_8_512": ATTENTION,
    "spikingformer_8_512": ATTENTION,
    "sdt_8_512": ATTENTION,
    "qkformer_10_384": ATTENTION | {"depth": (1, 1, 1)},
    "meta_spikeformer_15m": META,
    "spike_video_former_15m": META,
}


def small(name: str, **config: Any) -> nn.Module:
    """A model of ``FAMILIES`` in eval mode."""
    return models.load(name, **FAMILIES[name] | config)


def clip(steps: int = 4, samples: int = 1, size: int = 32) -> torch.Tensor:
    """Pixels that are multiples of 1/8."""
    g = torch.Generator().manual_seed(0)
    return torch.randint(-16, 17, (steps, samples, 3, size, size), generator=g) / 8


def statistics(model: nn.Module, seed: int = 0) -> None:
    """Norms as after training: no mean is 0 and no variance 1."""
    g = torch.Generator().manual_seed(seed)
    for norm in model.modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            with torch.no_grad():
                norm.running_mean.normal_(0, 0.2, generator=g)  # type: ignore[union-attr]
                norm.running_var.uniform_(0.5, 1.5, generator=g)  # type: ignore[union-attr]
                norm.weight.uniform_(0.8, 1.6, generator=g)
                norm.bias.normal_(0, 0.2, generator=g)
