"""Per-step batch norm against a loop of torch's own over the steps."""

import pytest
import torch
from torch import nn

from neurosim.errors import ModelError
from neurosim.nn.norm import PerStepBatchNorm

T, B, C = 4, 3, 5


def pair(channels_last: bool) -> tuple[PerStepBatchNorm, list[nn.Module]]:
    torch.manual_seed(0)
    ours = PerStepBatchNorm(C, T, channels_last)
    nn.init.normal_(ours.weight), nn.init.normal_(ours.bias)
    singles = [nn.BatchNorm2d(C) for _ in range(T)]
    for t, single in enumerate(singles):
        single.weight.data.copy_(ours.weight.data.view(T, C)[t])
        single.bias.data.copy_(ours.bias.data.view(T, C)[t])
    return ours, singles


@pytest.mark.parametrize("channels_last", [False, True])
def test_equals_one_batch_norm_per_step_in_training_and_eval(channels_last):
    ours, singles = pair(channels_last)
    for training in (True, False):
        ours.train(training)
        x = torch.randn(T, B, C, 6, 7) * torch.arange(1, T + 1).view(T, 1, 1, 1, 1)
        expected = torch.stack([s.train(training)(x[t]) for t, s in enumerate(singles)])
        if channels_last:
            got = ours(x.flatten(3).movedim(2, -1)).movedim(-1, 2).unflatten(3, (6, 7))
        else:
            got = ours(x)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    means = torch.cat([s.running_mean for s in singles])
    torch.testing.assert_close(ours.running_mean, means)


def test_another_number_of_steps_is_one_line():
    with pytest.raises(ModelError, match=r"expects 4 steps of 5 channels, got 6 of 5"):
        PerStepBatchNorm(C, T)(torch.zeros(6, B, C, 2, 2))


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("size", [(6, 7), (1, 1), (4, 8)])
def test_the_fused_training_step_is_torch_s_to_rounding(channels_last, size, monkeypatch):
    found = []
    for fused in (True, False):
        ours, _ = pair(channels_last)
        monkeypatch.setattr("neurosim.nn.norm.fits", lambda x, fused=fused: fused)
        x = torch.randn(T, B, C, *size, generator=torch.Generator().manual_seed(1)) * 3 + 1
        x = x.movedim(2, -1).contiguous() if channels_last else x
        x.requires_grad_()
        y = ours(x)
        (y * torch.linspace(-1, 2, y.numel()).view_as(y)).sum().backward()
        found.append((y.detach(), x.grad, ours.weight.grad, ours.bias.grad,
                      ours.running_mean, ours.running_var, ours.num_batches_tracked))  # fmt: skip
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 if a.ndim > 2 else 1e-3)


def test_one_value_per_channel_cannot_be_normalised():
    with pytest.raises(ModelError, match="one value per channel"):
        PerStepBatchNorm(C, T)(torch.zeros(T, 1, C, requires_grad=True))
