"""Views, joins, picks, reductions and element-wise functions against torch's own values."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from neurosim.capture.capture import capture
from neurosim.errors import UnknownOps
from tests.capture.checking import Model, captured, ops

T, B, C = 3, 2, 4
_MASK = torch.linspace(0, 1, T).view(-1, 1, 1, 1, 1)
_SLOPE = torch.rand(C)


def _flat(function):
    return lambda x: function(x.flatten(0, 1)).unflatten(0, x.shape[:2])


FORMS = {
    "cat": lambda x: torch.cat([x, x * 2], 2),
    "stack": lambda x: torch.stack([x, x + 1], 2).flatten(2, 3),
    "permute": lambda x: x.permute(0, 1, 4, 2, 3),
    "movedim": lambda x: x.movedim(2, -1),
    "slice": lambda x: x[:, :, 1:3, ::2],
    "index list": lambda x: x[:, :, [2, 0]],
    "index": lambda x: x[:, :, 0],
    "squeeze": lambda x: x[:, :, :1].squeeze(2),
    "flip": lambda x: x.flip(-1),
    "roll": lambda x: torch.roll(x, (1, 2), (3, 4)),
    "repeat": lambda x: x.repeat(1, 1, 2, 1, 1),
    "expand": lambda x: x[:, :, :1].expand(-1, -1, 4, -1, -1),
    "pixel shuffle": _flat(lambda x: F.pixel_shuffle(x, 2)),
    "unfold": _flat(lambda x: F.unfold(x, 3, padding=1)),
    "chunk": lambda x: torch.cat(x.chunk(2, 2)[::-1], 2),
    "greater": lambda x: (x > 0).float(),
    "compare": lambda x: (x > x.mean(2, keepdim=True)).float(),
    "where": lambda x: torch.where(x > 0, x, x * 0.1),
    "clamp": lambda x: x.clamp(0, 1),
    "mean over time": lambda x: x.mean(0),
    "mean over all": lambda x: x.mean((0, 3, 4)),
    "amax": lambda x: x.amax((3, 4)),
    "amin": lambda x: x.amin((3, 4)),
    "max": lambda x: x.max(2)[0],
    "sum over time": lambda x: x.sum(0),
    "var": lambda x: x.var(2),
    "std": lambda x: x.std((3, 4), unbiased=False),
    "normalize": lambda x: F.normalize(x, dim=2),
    "exp": lambda x: x.exp(),
    "square": lambda x: x**2,
    "cube": lambda x: x.pow(3),
    "divide": lambda x: x / 3,
    "reciprocal": lambda x: 1 / (x.abs() + 1),
    "relu6": F.relu6,
    "hardswish": F.hardswish,
    "leaky relu": lambda x: F.leaky_relu(x, 0.2),
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "prelu": _flat(lambda x: F.prelu(x, _SLOPE)),
    "glu": lambda x: F.glu(x, 2),
    "softplus": F.softplus,
    "log softmax": lambda x: x.log_softmax(2),
    "softmax over time": lambda x: x.softmax(0),
    "lerp": lambda x: torch.lerp(x, x * 2, 0.3),
    "addcmul": lambda x: torch.addcmul(x, x, x, value=0.5),
    "minus mean over time": lambda x: x - x.mean(0, keepdim=True),
    "constant per step": lambda x: x * _MASK,
    "part of time": lambda x: x[1:] - x[:-1],
    "time shifted": lambda x: torch.cat([x[1:], x[-1:]]) + torch.cat([x[:1], x[:-1]]),
    "time reversed": lambda x: x.flip(0),
}


@pytest.mark.parametrize("name", FORMS)
def test_form(name):
    torch.manual_seed(0)
    captured(lambda x: FORMS[name](x), torch.randn(T, B, C, 8, 8), flops=False)


def test_a_view_costs_no_node():
    graph = captured(
        lambda x: x.flatten(0, 1).unflatten(0, x.shape[:2]) * 2.0, torch.randn(T, B, C)
    )
    assert ops(graph) == ["affine"]


@pytest.mark.parametrize("form", [lambda x: x[:, :1], lambda x: x - x.mean(1, keepdim=True)])
def test_the_batch_axis_is_nobodys_business(form):
    with pytest.raises(UnknownOps, match="batch axis"):
        capture(form, torch.randn(T, B, C))


def test_writing_into_a_part_of_a_value_is_refused_not_ignored():
    def forward(s, x):
        y = x * 2.0
        y[0] = x[1]
        return y

    with pytest.raises(Exception, match="writing into a part|captured graph is not the model"):
        capture(Model(forward), torch.randn(T, B, C))
