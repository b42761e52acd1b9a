"""Net A, on which other tools' estimates are compared with ours: every kind of convolution once.

conv 2→4 3×3 pad 1; 4→8 3×3 stride 2 pad 1; 8→8 3×3 dilation 2 pad 2 groups 4; dense 288→10; an LIF
neuron (τ = 2) behind each; 8 steps, 2 samples, Bernoulli 0.2 spikes of 2×12×12. Weights are
multiples of 1/32, so that no spike hangs on the order of sums.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from neurosim.nn.lif import LIF

STEPS, SAMPLES, INPUT, RATE = 8, 2, (2, 12, 12), 0.2
RANGES = {"conv1": (-24, 48), "conv2": (-28, 32), "conv3": (-20, 36), "fc": (-12, 14)}  # of 32·w


class NetA(nn.Module):
    """[T, B, 2, 12, 12] → spikes [T, B, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.lif1 = nn.Conv2d(2, 4, 3, padding=1, bias=False), LIF()
        self.conv2, self.lif2 = nn.Conv2d(4, 8, 3, 2, 1, bias=False), LIF()
        self.conv3 = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=4, bias=False)
        self.lif3 = LIF()
        self.fc, self.lif4 = nn.Linear(288, 10, bias=False), LIF()

    def forward(self, clip: Tensor) -> Tensor:
        """Spikes in, spikes out."""
        x = clip
        for conv, lif in (
            (self.conv1, self.lif1),
            (self.conv2, self.lif2),
            (self.conv3, self.lif3),
        ):
            x = lif(conv(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
        return self.lif4(self.fc(x.flatten(2)))


def net_a(seed: int = 0) -> tuple[NetA, Tensor]:
    """The network in eval mode and its clip, both drawn from ``seed``."""
    rng, net = np.random.default_rng(seed), NetA().eval()
    clip = (rng.random((STEPS, SAMPLES, *INPUT)) < RATE).astype(np.float32)
    for name, span in RANGES.items():
        weight: nn.Parameter = getattr(net, name).weight
        weight.data = torch.from_numpy((rng.integers(*span, weight.shape) / 32).astype(np.float32))
    return net, torch.from_numpy(clip)
