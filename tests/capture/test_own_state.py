"""A user's own neuron that keeps its membrane in an attribute, or takes the whole clip."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.capture.capture import capture
from neurosim.errors import CaptureError
from tests.capture.checking import captured, ops

T, B = 12, 2


class Kept(nn.Module):
    """v ← decay·v + x; fires above 1; back to 0. ``start``: what ``v`` is before the first step."""

    def __init__(self, decay: float = 0.8, start: float | None = None) -> None:
        super().__init__()
        self.decay, self.v, self.spikes = decay, start, 0

    def forward(self, x: Tensor) -> Tensor:
        self.v = x if self.v is None else self.decay * self.v + x
        z = (self.v > 1).to(x)
        self.v = self.v * (1 - z)
        self.spikes += int(z.sum())
        return z


class Written(Kept):
    """The same, in place."""

    def forward(self, x: Tensor) -> Tensor:
        if self.v is None:
            self.v = torch.zeros_like(x)
        self.v.mul_(self.decay).add_(x)
        z = (self.v > 1).to(x)
        self.v.masked_fill_(z > 0, 0.0)
        return z


class Buffered(Kept):
    """The same, in a buffer, the membrane returned too."""

    def __init__(self, decay: float = 0.8) -> None:
        super().__init__(decay)
        del self.v
        self.register_buffer("v", None)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x), self.v


class Leaks(Kept):
    """No spikes: the membrane is the output."""

    def forward(self, x: Tensor) -> Tensor:
        self.v = x if self.v is None else self.decay * self.v + x
        return self.v


class Whole(nn.Module):
    """The same over [T, B, …]; the last membrane is returned too."""

    def forward(self, clip: Tensor) -> tuple[Tensor, Tensor]:
        neuron = Kept()
        return torch.stack([neuron.forward(x) for x in clip]), neuron.v


for kind in (Kept, Written, Buffered, Whole):

    @ns.recognise(kind)
    def known(module):
        decay = getattr(module, "decay", 0.8)
        return ns.ops.LIF(v_decay=decay, v_threshold=1.0, fires=">", reset="to_value", v_reset=0.0)


@ns.recognise(Leaks)
def leaks(module):
    return ns.ops.LeakyIntegrator(v_decay=module.decay)


class Net(nn.Module):
    """A linear layer and a neuron, step by step; ``before(neuron, t)`` runs before each step."""

    def __init__(self, neuron: nn.Module, before=lambda neuron, t: None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.neuron, self.before = nn.Linear(6, 7), neuron, before
        self.eval()

    def forward(self, clip: Tensor) -> Tensor:
        out = []
        for t, x in enumerate(clip):
            self.before(self.neuron, t)
            z = self.neuron(self.fc(x))
            out.append(z[0] if isinstance(z, tuple) else z)
        return torch.stack(out)


def rest(neuron, t):
    if t == 0:
        neuron.v = None


def clip_of(steps: int = T, samples: int = B) -> Tensor:
    return 3 * torch.randn(steps, samples, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("decay", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("kind", [Kept, Written, Buffered])
def test_the_attribute_is_remembered(kind, decay, reset):
    model = Net(kind(decay), rest) if reset else Net(kind(decay))
    graph = captured(model, clip_of())
    assert ops(graph) == ["linear", "neuron"] and not graph["neuron"].attrs.get("memoryless")
    if not reset:
        with pytest.raises(CaptureError, match="keeps state of an earlier clip in 'v', or starts"):
            capture(model, clip_of())


def test_a_number_to_start_from_and_a_membrane_as_output():
    assert ops(captured(Net(Kept(start=0.0)), clip_of())) == ["linear", "neuron"]
    with pytest.raises(CaptureError, match="at 'neuron': .* in 'v', .* reset the model first"):
        capture(Net(Kept(start=0.5)), clip_of())
    assert ops(captured(Net(Leaks()), clip_of())) == ["linear", "neuron"]


def test_a_state_of_another_batch_size_is_told():
    model = Net(Kept())
    model(clip_of(samples=5))
    left = model.neuron.v.clone()
    with pytest.raises(CaptureError, match="at 'neuron': keeps state of an earlier clip in 'v'"):
        capture(model, clip_of())
    assert torch.equal(model.neuron.v, left)


def test_a_neuron_put_to_rest_every_step_forgets():
    graph = captured(Net(Kept(), lambda neuron, t: setattr(neuron, "v", None)), clip_of())
    assert graph["neuron"].attrs["memoryless"]


@pytest.mark.parametrize("kind", [Kept, Written])
def test_the_membrane_in_the_attribute_can_be_read(kind):
    class Reads(Net):
        def forward(self, clip):
            out = []
            for x in clip:
                self.neuron(self.fc(x))
                out.append(2 * self.neuron.v)
            return torch.stack(out)

    graph = captured(Reads(kind(), rest), clip_of())
    assert [n.name for n in graph.neurons()] == ["neuron"]


def test_a_neuron_of_the_whole_clip():
    fc, neuron = nn.Linear(6, 7), Whole()
    graph = captured(lambda x: neuron(fc(x))[0], clip_of())
    assert ops(graph) == ["linear", "neuron"]


def test_a_neuron_of_the_whole_clip_with_time_elsewhere():
    class Behind(nn.Module):
        def forward(self, x):
            return Whole().forward(x.transpose(0, 1))[0].transpose(0, 1)

    @ns.recognise(Behind)
    def behind(module):
        return ns.Recognised(
            ns.ops.LIF(v_decay=0.8, fires=">", reset="to_value"), multi_step=True, time_dim=1
        )

    graph = captured(Behind().eval(), clip_of().transpose(0, 1), time_dim=1, batch_dim=0)
    assert ops(graph) == ["neuron"]


@pytest.mark.parametrize("kind", [Kept, Written])
def test_a_membrane_that_stands_at_rest_is_still_remembered(kind):
    model, clip = Net(kind()), clip_of()
    with torch.no_grad():
        model.fc.bias.zero_()
    clip[:3] = 0
    assert not captured(model, clip)["neuron"].attrs.get("memoryless")


def test_two_calls_a_step_share_one_membrane():
    class Twice(Net):
        def forward(self, clip):
            return torch.stack([self.neuron(self.neuron(self.fc(x))) for x in clip])

    with pytest.raises(CaptureError, match="at 'neuron': continues the state of 'neuron' at step"):
        capture(Twice(Kept()), clip_of())


def test_a_constant_of_a_slices_shape_is_no_state():
    neuron = Kept()
    neuron.register_buffer("mask", torch.ones(7))
    captured(Net(neuron, rest), clip_of()[:, 0], batch_dim=None)
