"""Layers that read spikes as bits give the same sums as from float32; no dense tensor is built."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import neurosim as ns
from neurosim.nn.plif import PLIF
from neurosim.ops._bits import Bits
from neurosim.sim import executor
from tests.passes.networks import same_events, same_spikes


class Net(nn.Module):
    """Neurons read by convolutions (grouped, depthwise, strided), by a linear layer and by two."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 40, 3, padding=1)
        self.conv2 = nn.Conv2d(40, 40, 3, 2, 1, groups=2)
        self.conv3 = nn.Conv2d(40, 40, 5, padding=2, groups=40)
        self.conv4 = nn.Conv2d(40, 66, 1)
        self.side = nn.Conv2d(40, 66, 3, padding=1)
        self.fc, self.out = nn.Linear(66 * 9, 50), nn.Linear(50, 4)
        self.lif = nn.ModuleList(PLIF(v_threshold=0.05) for _ in range(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def fold(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
            return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])

        x = self.lif[0](fold(self.conv1, x))
        x = self.lif[1](fold(self.conv2, x))
        x = self.lif[2](fold(self.conv3, x))
        x = self.lif[3](fold(self.conv4, x) + fold(self.side, x))
        return self.out(self.lif[4](self.fc(x.flatten(2))))


@pytest.fixture(scope="module")
def graph() -> ns.Graph:
    torch.manual_seed(0)
    clip = torch.rand(4, 2, 2, 6, 6)
    return ns.passes.apply(ns.lower(ns.capture(Net().eval(), clip)), "snap_weights")


def dense_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = executor.schedule
    monkeypatch.setattr(executor, "schedule", lambda *of: made(*of)._replace(readers={}))


@pytest.mark.parametrize("chunk", [None, 1, 3])
@pytest.mark.parametrize("engine", ["event", "auto"])
def test_bits_change_no_figure(
    graph: ns.Graph, monkeypatch: pytest.MonkeyPatch, engine: str, chunk: int | None
) -> None:
    clip = torch.rand(4, 3, 2, 6, 6)
    packed = ns.simulate(graph, clip, engine, chunk=chunk)
    dense_alone(monkeypatch)
    plain = ns.simulate(graph, clip, engine, chunk=chunk)
    assert not packed.counts.differences(plain.counts)
    assert packed.counts.total("spike") > 100
    np.testing.assert_array_equal(packed.outputs, plain.outputs)


def test_recorded_spikes_are_whole(graph: ns.Graph) -> None:
    clip = torch.rand(4, 1, 2, 6, 6)
    dense, event = (ns.simulate(graph, clip, e, record="spikes") for e in ("dense", "event"))
    same_spikes(dense, event)
    same_events(dense, event)


def test_no_dense_tensor_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = ns.lower(ns.capture(Net().eval(), torch.rand(4, 2, 2, 6, 6)))
    unpacked: list[tuple[int, ...]] = []
    whole = Bits.dense
    monkeypatch.setattr(Bits, "dense", lambda bits: unpacked.append(bits.shape) or whole(bits))
    ns.simulate(graph, torch.rand(4, 1, 2, 6, 6), "event")
    assert unpacked == [(4, 1, 40, 6, 6), (4, 1, 40, 3, 3)]  # read by layers in groups
