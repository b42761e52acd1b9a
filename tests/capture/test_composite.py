"""Fused recurrent layers spelled out: torch's own outputs, and the closed formula of their MACs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.errors import CaptureError
from tests.capture.checking import Model, captured, ops

T, B, C, H = 4, 2, 8, 5


def _layer(layer):
    return Model(lambda s, x: s.m[0](x), layer)


@pytest.mark.parametrize("steps", [1, 2, T])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_recurrent_layer(kind, gates, layers, steps):
    graph = captured(_layer(kind(C, H, layers)), torch.randn(steps, B, C), flops=False)
    if steps > 1:  # the state is a constant in the only step of a clip of one
        macs = sum(gates * H * ((C if k == 0 else H) + H) for k in range(layers)) * steps * B
        assert sum(graph.dense_macs().values()) == macs
        assert ops(graph).count("linear") == 2 * layers


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_batch_first_without_bias(kind):
    layer = kind(C, H, 2, batch_first=True, bias=False)
    captured(_layer(layer), torch.randn(B, T, C), flops=False, time_dim=1, batch_dim=0)


def test_only_the_last_step_is_read():
    model = Model(lambda s, x: s.m[1](s.m[0](x)[0][-1]), nn.LSTM(C, H), nn.Linear(H, 3))
    captured(model, torch.randn(T, B, C), flops=False)


@pytest.mark.parametrize(("cell", "split"), [(nn.LSTMCell, 2), (nn.GRUCell, 1)])
def test_cell_in_a_loop(cell, split):
    def forward(s, x):
        state, out = None, []
        for y in x:
            state = s.m[0](y, state)
            out.append(state[0] if split == 2 else state)
        return torch.stack(out)

    captured(Model(forward, cell(C, H)), torch.randn(T, B, C), flops=False)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_bidirectional_is_refused(kind):
    with pytest.raises(CaptureError, match=rf"at 'm.0': a bidirectional {kind.__name__} reads the"):
        capture(_layer(kind(C, H, bidirectional=True)), torch.randn(T, B, C))
