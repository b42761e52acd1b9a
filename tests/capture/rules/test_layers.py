"""Convolutions, pools, norms, up-sampling, every option: outputs and MACs as torch has them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.errors import UnknownOps
from tests.capture.checking import Model, captured, folded, ops

T, B, C = 3, 2, 4


def frames() -> torch.Tensor:
    return torch.randn(T, B, C, 8, 8)


@pytest.mark.parametrize("padding", [1, "same", "valid"])
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_padding(mode, padding):
    captured(folded(nn.Conv2d(C, 6, 3, padding=padding, padding_mode=mode)), frames())
    line = nn.Conv1d(C, 6, 3, padding=padding, padding_mode=mode)
    captured(folded(nn.Flatten(2), line), frames())


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_padding_over_time(mode):
    volume = nn.Conv3d(C, 6, 3, padding=1, padding_mode=mode)
    captured(Model(lambda s, x: s.m[0](x.permute(1, 2, 0, 3, 4)), volume), frames())


POOLS = [
    nn.MaxPool2d(2),
    nn.MaxPool2d(3, 2, 1),
    nn.AvgPool2d(2),
    nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    nn.AvgPool2d(3, 2, ceil_mode=True),
    nn.AvgPool2d(2, divisor_override=3),
    nn.AdaptiveAvgPool2d(1),
    nn.AdaptiveAvgPool2d((2, 4)),
    nn.AdaptiveMaxPool2d(2),
    nn.LPPool2d(2, 2),
]
NORMS = [
    nn.BatchNorm2d(C),
    nn.BatchNorm2d(C, affine=False),
    nn.InstanceNorm2d(C),
    nn.GroupNorm(2, C),
    nn.InstanceNorm2d(C, affine=True, track_running_stats=True),
    nn.LayerNorm([C, 8, 8]),
    nn.LayerNorm(8),
    nn.RMSNorm(8),
    nn.LocalResponseNorm(2),
]
UPSAMPLING = [
    nn.Upsample(scale_factor=2),
    nn.Upsample(scale_factor=2, mode="bilinear"),
    nn.Upsample(size=12),
    nn.Upsample(size=(5, 7), mode="bilinear", align_corners=True),
    nn.Upsample(scale_factor=2, mode="nearest-exact"),
]


@pytest.mark.parametrize("layer", [*POOLS, *NORMS, *UPSAMPLING], ids=str)
def test_layer(layer):
    captured(folded(layer).eval(), frames())


def test_time_folded_into_the_channels_of_a_norm_is_a_norm_per_step():
    norm = nn.BatchNorm2d(T * C)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)

    def forward(s, x):
        y = s.m[0](x.transpose(0, 1).flatten(1, 2))
        return y.unflatten(1, (x.shape[0], C)).transpose(0, 1)

    graph = captured(Model(forward, norm), frames())
    assert graph["m.0"].attrs["per_step"]


def test_a_pool_over_all_of_time_and_space():
    net = nn.Sequential(
        nn.Conv3d(C, 6, 3, padding=1),
        nn.BatchNorm3d(6),
        nn.MaxPool3d((1, 2, 2)),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(6, 5),
    )
    graph = captured(net.eval(), torch.randn(B, C, 5, 8, 8), time_dim=2, batch_dim=0)
    assert "time_reduce" in ops(graph)


def test_what_does_not_divide_is_refused():
    with pytest.raises(UnknownOps, match=r"adaptive pooling from \(8, 8\) to \(3, 3\)"):
        capture(folded(nn.AdaptiveAvgPool2d(3)), frames())
