"""Layouts change, values do not."""

import torch
from torch import nn

from neurosim.nn import _layout


def test_memory_order_of_contiguous_and_channels_last():
    x = torch.arange(2 * 3 * 4 * 5 * 6.0).reshape(2, 3, 4, 5, 6)
    last = _layout.channels_last(x)
    assert torch.equal(last, x) and last.stride()[2] == 1
    assert _layout.in_memory_order(x).shape == x.shape
    assert _layout.in_memory_order(last).shape == (2, 3, 5, 6, 4)
    assert _layout.dense(x) is x and _layout.dense(last) is last


def test_gaps_and_steps_inside_are_copied():
    x = torch.randn(4, 3, 6)
    for odd in (x[:, :, ::2], x.transpose(0, 2)):
        assert _layout.dense(odd).is_contiguous() and torch.equal(_layout.dense(odd), odd)


def test_like_takes_the_other_s_layout():
    x = torch.randn(2, 3, 4, 5, 6)
    last = _layout.channels_last(x)
    assert _layout.like(x, last).stride() == last.stride() and _layout.like(x, x) is x
    assert torch.equal(_layout.like(x, last), x)


def test_kernels_move_and_stay_the_same_numbers():
    layer = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Linear(2, 2))
    before = layer[0].weight.detach().clone()
    _layout.weights_channels_last(layer)
    assert layer[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(layer[0].weight, before)
