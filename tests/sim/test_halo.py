"""A convolution over time runs on a stream, piece by piece, as on the whole clip."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.errors import SimulationError
from neurosim.nn.plif import PLIF
from neurosim.sim.simulate import simulate

LONG = 17
PLACES = [
    {"padding": (1, 1, 1)}, {"padding": (0, 1, 1)}, {"padding": (2, 0, 0), "dilation": (2, 1, 1)},
    {"padding": (1, 1, 1), "groups": 2}, {"padding": (0, 0, 0), "dilation": (3, 1, 2)},
]  # fmt: skip


class OverTime(nn.Module):
    """REAL and spike operands, a residual that waits, and a layer without time behind it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first = nn.Conv3d(2, 4, (3, 3, 3), **{"padding": (1, 1, 1), **settings})
        self.second = nn.Conv3d(4, 4, (3, 1, 1), padding=(1, 0, 0), bias=False)
        self.last = nn.Conv3d(4, 4, 1)
        self.lif = nn.ModuleList(PLIF(v_threshold=0.1) for _ in range(3))
        self.second.weight.data[0, 0, 1] = 0.0  # a synapse of weight 0

    def forward(self, clip: Tensor) -> Tensor:
        def over(layer: nn.Module, x: Tensor) -> Tensor:
            return layer(x.permute(1, 2, 0, 3, 4)).permute(2, 0, 1, 3, 4)

        x = self.lif[0](over(self.first, clip))
        x = self.lif[1](over(self.second, x)) + x
        return self.lif[2](over(self.last, x)).flatten(2)


def graph_of(steps: int, kind: str, **settings: Any) -> ns.Graph:
    clip = clip_of(steps, kind)
    return ns.passes.apply(
        ns.lower(ns.capture(OverTime(**settings).eval(), clip, kind=kind)), "snap_weights"
    )


def clip_of(steps: int, kind: str) -> Tensor:
    noise = torch.randn(steps, 2, 2, 5, 6, generator=torch.Generator().manual_seed(0))
    return (noise > 0.5).float() if kind == "spike" else (4 * noise).round() / 4


@pytest.mark.parametrize(
    ("number", "kind"), [*enumerate(["spike", "real", "spike", "spike", "real"])]
)
def test_a_stream_counts_what_the_clip_counts(number: int, kind: str) -> None:
    settings = PLACES[number]
    whole = simulate(graph_of(LONG, kind, **settings), clip_of(LONG, kind), "dense")
    graph = graph_of(9, kind, **settings)
    assert whole.counts.total("spike") > 100 and whole.counts.total("synapse_zero") > 0
    for piece in (1, 5):
        run = simulate(graph, iter(clip_of(LONG, kind).split(piece)))
        assert not run.counts.differences(whole.counts), piece
        np.testing.assert_array_equal(run.outputs, whole.outputs)
        chunked = simulate(graph, clip_of(LONG, kind), chunk=piece)
        assert not chunked.counts.differences(whole.counts), piece


def test_the_step_of_every_event_is_the_same() -> None:
    graph = graph_of(LONG, "spike", padding=(0, 1, 1))
    whole, parts = (simulate(graph, clip_of(LONG, "spike"), chunk=c) for c in (None, 2))
    for key, table in whole.counts.table.items():
        np.testing.assert_array_equal(parts.counts.table[key], table, err_msg=str(key))


def test_time_alone() -> None:
    class Line(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.net, self.lif = nn.Conv1d(3, 4, 3, padding=1), PLIF(v_threshold=0.1)
            self.net.weight.data[1, 2, 0] = 0.0

        def forward(self, x: Tensor) -> Tensor:
            return self.lif(self.net(x.permute(1, 2, 0)).permute(2, 0, 1))

    clip = (torch.rand(13, 2, 3, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    graph = ns.passes.apply(ns.lower(ns.capture(Line().eval(), clip, kind="spike")), "snap_weights")
    whole, parts = (simulate(graph, clip, chunk=c) for c in (None, 3))
    assert whole.counts.total("synapse_zero") > 0
    for key, table in whole.counts.table.items():
        np.testing.assert_array_equal(parts.counts.table[key], table, err_msg=str(key))


def test_a_stride_in_time_asks_for_windows() -> None:
    net = nn.Conv3d(2, 3, (3, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0))

    class Strided(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, clip: Tensor) -> Tensor:
            return self.net(clip.permute(1, 2, 0, 3, 4)).permute(2, 0, 1, 3, 4)

    graph = ns.lower(ns.capture(Strided().eval(), clip_of(8, "real")))
    with pytest.raises(SimulationError, match="window=8"):
        simulate(graph, clip_of(12, "real"))
