"""A neuron that nobody registered is named, not billed as arithmetic without a word."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import neurosim as ns
from neurosim.capture.capture import capture
from neurosim.capture.recognise import _OWN
from neurosim.errors import CaptureError
from neurosim.sim.simulate import simulate
from tests.capture.checking import captured, ops

T, B = 5, 2


class Step(torch.autograd.Function):
    """A step with a gradient of its own, as tutorials write it."""

    @staticmethod
    def forward(ctx, v):
        return (v > 0).float()

    @staticmethod
    def backward(ctx, g):
        return g


class Mine(nn.Module):
    def forward(self, x, v=None):
        v = x if v is None else 0.5 * v + x
        z = Step.apply(v - 1)
        return z, v * (1 - z)


class Plain(nn.Module):
    def forward(self, x, v):
        v = 0.5 * v + x
        z = (v > 1).float()
        return z, v - z


class Net(nn.Module):
    def __init__(self, neuron: nn.Module, start=None) -> None:
        super().__init__()
        self.fc, self.lif, self.out, self.start = nn.Linear(6, 7), neuron, nn.Linear(7, 3), start
        self.eval()

    def forward(self, clip):
        v, out = None if self.start is None else torch.full((clip.shape[1], 7), self.start), []
        for x in clip:
            z, v = self.lif(self.fc(x), v)
            out.append(self.out(z))
        return torch.stack(out)


@pytest.fixture
def recognised():
    """Five lines of a user, and the registry as it was afterwards."""

    @ns.recognise(Mine)
    def my_neuron(module):
        return ns.ops.LIF(v_decay=0.5, gain=1.0, v_threshold=1.0, fires=">", reset="to_value")

    yield
    del _OWN[Mine]


@pytest.mark.parametrize("net", [Net(Plain(), 0.0), Net(Mine(), 0.0)], ids=["compare", "autograd"])
def test_a_hand_written_neuron_is_refused_by_place_and_line(net):
    match = (
        r"at 'lif' \(test_handmade.py:\d+\): a neuron written by hand .*@ns.recognise.*strict=False"
    )
    with pytest.raises(CaptureError, match=match):
        capture(net, torch.randn(T, B, 6) * 3)


def test_strict_false_runs_it_as_arithmetic_and_says_so():
    clip = torch.randn(T, B, 6) * 3
    graph = captured(Net(Plain(), 0.0), clip, strict=False)
    assert "compare" in ops(graph) and not graph.neurons()
    assert "hand-written neuron" in simulate(graph, clip, "dense").manifest.notes[0]


def test_a_threshold_that_feeds_nothing_back_is_no_neuron():
    captured(
        lambda x: torch.stack([(y > 0.5).float() for y in x]), torch.rand(T, B, 6), flops=False
    )


def test_own_neuron_in_five_lines(recognised):
    graph = captured(Net(Mine()), torch.randn(T, B, 6) * 3)
    assert ops(graph) == ["linear", "neuron", "linear"]
    assert graph["lif"].value.kind.value == "spike"
    assert graph["out"].known.in_kinds == ("spike",)


def test_a_wrong_equation_is_found_out():
    @ns.recognise(Mine)
    def wrong(module):
        return ns.ops.LIF(v_decay=0.9)

    try:
        with pytest.raises(CaptureError, match="'lif'.*spikes differ from the model's"):
            capture(Net(Mine()), torch.randn(12, 4, 6) * 3)
    finally:
        del _OWN[Mine]
