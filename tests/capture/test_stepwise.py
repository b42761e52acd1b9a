"""A one-step module driven over a clip."""

from __future__ import annotations

import torch
from torch import nn

from neurosim.capture.stepwise import stepwise
from tests.capture.checking import captured, ops

T, B = 4, 2


class Leaky(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 5)

    def forward(self, x, state=None):
        v = self.fc(x) if state is None else 0.5 * state + self.fc(x)
        return v, v


def test_a_cell_with_state():
    graph = captured(stepwise(Leaky()).eval(), torch.randn(T, B, 6))
    assert ops(graph).count("linear") == 1 and [
        e.delay for n in graph for e in n.inputs if e.delay
    ] == [1]


def test_a_module_without_state():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)).eval()
    assert ops(captured(stepwise(net), torch.randn(T, B, 3, 6, 6))).count("convolution") == 1


def test_it_takes_over_the_mode_of_the_cell():
    assert not stepwise(nn.Dropout().eval()).training and stepwise(nn.Dropout()).training
