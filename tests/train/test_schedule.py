"""Learning rate at the places the formula names, and which parameters decay."""

import math

import pytest
from torch import nn

from neurosim.nn.plif import PLIF
from neurosim.train.config import TrainConfig
from neurosim.train.schedule import learning_rate, optimizer

C = TrainConfig(epochs=10, warmup_epochs=2, lr=1e-2, lr_min=1e-4)


def test_warm_up_rises_evenly_and_the_cosine_ends_at_the_minimum():
    rates = [learning_rate(s, 5, C) for s in range(50)]
    rise = [b - a for a, b in zip(rates[:10], rates[1:10], strict=False)]
    assert all(r == pytest.approx(rise[0]) for r in rise) and rise[0] > 0
    assert rates[10] == C.lr == max(rates) and rates[-1] == pytest.approx(C.lr_min)
    half = (10 + 49) / 2
    expected = C.lr_min + (C.lr - C.lr_min) * (1 + math.cos(math.pi * (29 - 10) / 39)) / 2
    assert rates[29] == pytest.approx(expected) and 29 < half
    assert all(a > b for a, b in zip(rates[10:], rates[11:], strict=False))


def test_without_warm_up_the_first_update_has_the_peak():
    assert learning_rate(0, 5, TrainConfig(epochs=2, warmup_epochs=0, lr=0.5)) == 0.5


def test_only_matrices_and_kernels_decay():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), PLIF(), nn.Linear(4, 2))
    decayed, spared = optimizer(model, C).param_groups
    assert decayed["weight_decay"] == C.weight_decay and spared["weight_decay"] == 0
    assert {p.ndim for p in decayed["params"]} == {2, 4} and len(decayed["params"]) == 2
    assert {p.ndim for p in spared["params"]} == {0, 1} and len(spared["params"]) == 5
