"""The proof of a capture finds a graph that is not the model, and names the node."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.capture.proof import prove
from neurosim.capture.recognise import recognise
from neurosim.errors import CaptureError, UnknownOps
from neurosim.ir.neuron import LIF
from neurosim.sim.simulate import simulate

CLIP = torch.randn(4, 2, 6)


@pytest.fixture
def pair():
    """A model's graph and its true output."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU()).eval()
    with torch.no_grad():
        return capture(model, CLIP), model(CLIP)


def test_the_true_graph_passes(pair):
    graph, output = pair
    prove(graph, CLIP, {}, {0: output})


def test_another_output_fails(pair):
    graph, output = pair
    with pytest.raises(CaptureError, match="captured graph is not the model: its values differ"):
        prove(graph, CLIP, {}, {0: output * 1.01})


def test_another_weight_fails(pair):
    graph, output = pair
    wrong = {k: v * 1.01 for k, v in graph.params.items()}
    with pytest.raises(CaptureError, match="at '1'"):
        prove(replace(graph, params=wrong), CLIP, {}, {0: output})


def test_an_infinity_at_another_place_fails(pair):
    graph, output = pair
    output[0, 0, 0] = float("-inf")
    with pytest.raises(CaptureError, match="infinities differ"):
        prove(graph, CLIP, {}, {0: output})


class Threshold(nn.Module):
    """z = 1 where x > 1; keeps nothing."""

    def forward(self, x):
        return (x > 1.0).float()


@recognise(Threshold)
def threshold(module):
    return LIF(v_decay=0.0, v_threshold=1.0, fires=">", reset="to_value")


class PerStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = Threshold()

    def forward(self, x):
        return torch.stack([self.n(step) for step in x])


@pytest.mark.parametrize(("value", "passes"), [(1.0, True), (1.0001, False), (0.5, False)])
def test_a_flip_is_excused_at_the_threshold_alone(value, passes):
    clip = torch.rand(4, 2, 6) * 0.5
    clip[2, 1, 3] = value
    graph = capture(PerStep().eval(), clip)
    emitted = (clip > 1.0).float()
    emitted[2, 1, 3] = 1.0 - emitted[2, 1, 3]
    returned = {0: emitted}
    if passes:
        prove(graph, clip, {"n": emitted}, returned)
        return
    with pytest.raises(CaptureError, match="at 'n'.*of its spikes differ"):
        prove(graph, clip, {"n": emitted}, returned)


class Leaky(nn.Module):
    def forward(self, x, v):
        v = (0.0 if v is None else v) * 0.9 + x
        z = (v > 4.5).float()
        return z, v * (1 - z)


@recognise(Leaky)
def wrongly_leaky(module):
    return LIF(v_decay=0.7, v_threshold=4.5, fires=">")


class Quiet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.n = nn.Linear(64, 2000), Leaky()

    def forward(self, x):
        v, out = None, []
        for step in x:
            z, v = self.n(self.fc(step), v)
            out.append(z)
        return torch.stack(out)


def test_a_wrong_equation_of_a_quiet_layer_is_refused():
    torch.manual_seed(0)
    with pytest.raises(CaptureError, match="at 'n'.*captured graph is not the model"):
        capture(Quiet().eval(), 2 * torch.randn(12, 2, 64))


class WritesIntoItsInput(nn.Module):
    def __init__(self, whole):
        super().__init__()
        self.fc, self.whole = nn.Linear(6, 3), whole

    def forward(self, x):
        if self.whole:
            x.mul_(2)
        else:
            x[0] = 0
        return self.fc(x)


def test_a_model_that_writes_into_its_input():
    clip = torch.randn(4, 2, 6)
    kept = clip.clone()
    model = WritesIntoItsInput(whole=True).eval()
    graph = capture(model, clip)
    assert torch.equal(clip, kept)
    assert torch.equal(simulate(graph, kept).outputs, model(kept.clone()))
    with pytest.raises(UnknownOps, match="writing a constant into a part of a value"):
        capture(WritesIntoItsInput(whole=False).eval(), clip)


def test_steps_that_a_convolution_makes_and_the_model_flattens_are_one_line():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv3d(2, 4, (3, 2, 2), padding=(1, 0, 0))

        def forward(self, x):
            return self.conv(x.permute(1, 2, 0, 3, 4)).flatten(1)

    with pytest.raises(CaptureError, match="steps flattened into other axes"):
        capture(Net().eval(), torch.zeros(4, 1, 2, 5, 4), kind="spike")
