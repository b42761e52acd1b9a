"""Neurons of other libraries inside a model: one node each, spikes and outputs the library's own;
states handled."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.capture.stepwise import stepwise
from neurosim.errors import CaptureError
from neurosim.sim.simulate import simulate
from tests.capture.checking import captured, ops

T, B = 6, 2


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def tokens(steps: int = T) -> torch.Tensor:
    return torch.randn(steps, B, 6) * 3


def frames(steps: int = T) -> torch.Tensor:
    return torch.rand(steps, B, 2, 6, 6) * 3


def _spikes(graph, clip) -> int:
    return simulate(graph, clip, "dense").counts.total("spike")


class Cells(nn.Module):
    """A linear layer, a cell with a state handed along, a linear layer, step by step."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.fc, self.cell, self.out = nn.Linear(6, 7), cell, nn.Linear(7, 3)
        self.eval()

    def forward(self, clip):
        state, out = None, []
        for x in clip:
            z, state = self.cell(3 * self.fc(x), state)
            out.append(self.out(z))
        return torch.stack(out), state


@pytest.mark.parametrize("steps", [1, 2, 3, T])
@pytest.mark.parametrize(
    "name", ["LIFBoxCell", "LIFCell", "LICell", "LIBoxCell", "IAFCell", "LSNNCell"]
)
def test_norse_cells(name, steps):
    norse = pytest.importorskip("norse.torch")
    clip = tokens(steps)
    graph = captured(Cells(getattr(norse, name)()), clip)
    assert ops(graph)[:4] == ["linear", "affine", "neuron", "linear"]
    if "LI" != name[:2] or "F" in name:
        assert graph["cell"].value.kind.value == "spike"


@pytest.mark.parametrize("name", ["LIF", "LI", "IAF", "LSNN"])
def test_norse_layers_over_time(name):
    norse = pytest.importorskip("norse.torch")
    layer = getattr(norse, name)()
    captured(lambda x: layer(4 * x), tokens())


@pytest.mark.parametrize(
    "name", ["LIFRecurrentCell", "LSNNRecurrentCell", "LIFRecurrent", "LSNNRecurrent"]
)
def test_norse_recurrent_cells_become_neuron_synapses_and_delayed_synapses(name):
    norse = pytest.importorskip("norse.torch")
    torch.manual_seed(0)
    layer, clip = getattr(norse, name)(6, 7), 4 * tokens()
    model = stepwise(layer) if name.endswith("Cell") else layer
    graph = captured(model.eval(), clip)
    own = next(n for n in graph if n.op == "neuron").name
    back = [n for n in graph if any(e.node == own and e.delay == 1 for e in n.inputs)]
    assert [n.op for n in back] == ["linear"] and ops(graph).count("linear") == 2
    assert simulate(graph, clip, "dense").counts.get(back[0].name, "synapse") > 0


def test_norse_lift_and_sequential_state():
    norse = pytest.importorskip("norse.torch")
    lifted = norse.SequentialState(
        norse.Lift(nn.Conv2d(2, 4, 3)),
        norse.LIF(),
        norse.Lift(nn.Flatten()),
        norse.Lift(nn.Linear(64, 5)),
        norse.LI(),
    )
    assert ops(captured(lifted.eval(), frames())).count("neuron") == 2

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = norse.SequentialState(
                nn.Conv2d(2, 4, 3), norse.LIFCell(), nn.Flatten(), nn.Linear(64, 5), norse.LICell()
            )

        def forward(self, clip):
            state = None
            for x in clip:
                out, state = self.net(3 * x, state)
            return out

    graph = captured(Last().eval(), frames())
    assert [n.name for n in graph.neurons()] == ["net.1", "net.4"]


class Pair(nn.Module):
    def __init__(self, cell, run) -> None:
        super().__init__()
        self.a, self.b, self.run = cell(), cell(), run
        self.eval()

    def forward(self, clip):
        return self.run(self, clip)


def _crossed(s, clip):
    state, out = None, []
    for x in clip:
        z, state = s.a(x, state)
        z, state = s.b(z, state)
        out.append(z)
    return torch.stack(out)


def _whole(s, clip):
    return s.a(clip)[0]


def _current(s, clip):
    state, out = None, []
    for x in clip:
        z, state = s.a(x, state)
        out.append(z + state.i)
    return torch.stack(out)


def _own_start(s, clip):
    z, state = s.a(clip[0])
    out = []
    for x in clip:
        z, state = s.b(x, type(state)(*(torch.ones_like(v) for v in state)) if not out else state)
        out.append(z)
    return torch.stack(out)


@pytest.mark.parametrize(
    ("run", "match"),
    [
        (_crossed, "at 'b': continues the state of 'a'"),
        (_whole, "at 'a': a single-step neuron got the whole clip"),
        (_current, "reads the state 'i' of 'a'"),
        (_own_start, "at 'b': starts from a state that is not its resting state"),
    ],
)
def test_states_gone_astray(run, match):
    norse = pytest.importorskip("norse.torch")
    with pytest.raises(CaptureError, match=match) as caught:
        capture(Pair(norse.LIFCell, run), tokens())
    assert "\n" not in str(caught.value)


def test_a_neuron_without_its_state_forgets_every_step():
    norse = pytest.importorskip("norse.torch")

    def forgetful(s, clip):
        return torch.stack([s.a(x, None)[0] for x in clip])

    clip = 30 * tokens()
    assert _spikes(captured(Pair(norse.LIFCell, forgetful), clip), clip) >= 0


def test_a_membrane_can_be_read():
    norse = pytest.importorskip("norse.torch")

    def reads(s, clip):
        state, out = None, []
        for x in clip:
            z, state = s.a(x, state)
            out.append(z + state.v)
        return torch.stack(out)

    graph = captured(Pair(norse.LIFCell, reads), tokens())
    assert [n.name for n in graph.neurons()] == [
        "a"
    ]  # the membrane is looked at, not a second population


@pytest.mark.parametrize("name", ["IFNode", "LIFNode", "ParametricLIFNode"])
def test_spikingjelly_single_step(name):
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lif, self.fc = (
                nn.Conv2d(2, 3, 3),
                getattr(neuron, name)(),
                nn.Linear(48, 4),
            )

        def forward(self, clip):
            return torch.stack([self.fc(self.lif(3 * self.conv(x)).flatten(1)) for x in clip]).mean(
                0
            )

    model, clip = Net().eval(), frames()
    graph = capture(model, clip)
    assert _spikes(graph, clip) > 0 and model.lif.v == 0.0  # its memory as it was found
    model(clip)
    left = model.lif.v.clone()
    with pytest.raises(
        CaptureError, match="at 'lif': keeps state of an earlier clip; reset the model first"
    ):
        capture(model, clip)
    assert torch.equal(model.lif.v, left)


@pytest.mark.parametrize("name", ["IFNode", "LIFNode", "ParametricLIFNode"])
def test_spikingjelly_multi_step(name):
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    from spikingjelly.activation_based import functional, layer

    torch.manual_seed(0)
    net = nn.Sequential(
        layer.Conv2d(2, 3, 3, bias=False),
        layer.BatchNorm2d(3),
        getattr(neuron, name)(),
        layer.MaxPool2d(2),
        layer.Flatten(),
        layer.Linear(12, 4),
    )
    functional.set_step_mode(net, "m")
    clip = 3 * frames()

    def forward(x):
        functional.reset_net(net)
        return net(x).mean(0)

    graph = captured(forward, clip) if net.eval() else None
    assert graph is not None and _spikes(graph, clip) > 0


def test_a_single_step_node_fed_a_whole_clip():
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    with pytest.raises(CaptureError, match="at '1': a single-step neuron got the whole clip"):
        capture(nn.Sequential(nn.Linear(6, 4), neuron.LIFNode()).eval(), tokens())


@pytest.mark.parametrize("steps", [1, 2, T])
@pytest.mark.parametrize("kind", ["Leaky", "Synaptic"])
def test_snntorch_with_membrane_read_out(kind, steps):
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 7)
            self.lif = snn.Leaky(beta=0.9) if kind == "Leaky" else snn.Synaptic(alpha=0.8, beta=0.9)

        def forward(self, clip):
            state = [self.lif.reset_mem()] if kind == "Leaky" else list(self.lif.reset_mem())
            spikes, membranes = [], []
            for x in clip:
                z, *state = self.lif(self.fc(x), *state)
                spikes.append(z)
                membranes.append(state[-1])
            return torch.stack(spikes), torch.stack(membranes)

    clip = 2 * tokens(steps)
    graph = captured(Net().eval(), clip)
    assert [n.name for n in graph.neurons()] == ["lif"] and ops(graph).count("neuron") == 2


@pytest.mark.parametrize("kind", ["IAF", "LIF", "LIF with current"])
def test_sinabs(kind):
    sinabs = pytest.importorskip("sinabs.layers")
    layer = (
        sinabs.IAF()
        if kind == "IAF"
        else sinabs.LIF(tau_mem=10.0, tau_syn=5.0 if "with" in kind else None)
    )
    fc = nn.Linear(6, 7)

    def forward(x):
        layer.reset_states()
        return layer(8 * fc(x))

    clip = 4 * torch.randn(B, T, 6)
    assert _spikes(captured(forward, clip, time_dim=1, batch_dim=0), clip) > 0


def test_sinabs_squeezed():
    sinabs = pytest.importorskip("sinabs.layers")
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3), sinabs.IAFSqueeze(num_timesteps=T), nn.Flatten(), nn.Linear(48, 4)
    )

    def forward(x):
        net[1].reset_states()
        return net(x.flatten(0, 1)).unflatten(0, x.shape[:2]).mean(1)

    clip = torch.rand(B, T, 2, 6, 6) * 3
    assert _spikes(captured(forward, clip, time_dim=1, batch_dim=0), clip) > 0


def test_libraries_under_inference_mode():
    norse = pytest.importorskip("norse.torch")
    with torch.inference_mode():
        captured(Cells(norse.LIFCell()), tokens())
