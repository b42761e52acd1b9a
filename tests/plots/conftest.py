"""A small network of two PLIF layers with different time constants, run on six clips."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.nn.plif import PLIF

STEPS, CLIPS = 5, 6


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.lif1 = nn.Conv2d(2, 4, 3), PLIF(tau=3.0)
        self.fc, self.lif2 = nn.Linear(64, 10), PLIF(tau=1.25)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.lif2(6 * self.fc(self.lif1(x).flatten(2)))


@pytest.fixture(scope="session")
def net() -> Net:
    torch.manual_seed(3)
    return Net().eval()


@pytest.fixture(scope="session")
def clip() -> Tensor:
    """Brighter from clip to clip, so that classes differ; the first one is dark."""
    light = torch.linspace(0, 8, CLIPS).view(1, CLIPS, 1, 1, 1)
    return light * torch.rand(STEPS, CLIPS, 2, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="session")
def run(net: Net, clip: Tensor) -> ns.Run:
    return ns.simulate(ns.lower(ns.capture(net, clip)), clip, record="spikes")


@pytest.fixture(scope="session")
def plain_run(run: ns.Run, clip: Tensor) -> ns.Run:
    """The same without a trace."""
    assert run.graph is not None
    return ns.simulate(run.graph, clip)
