"""The differentiable SynOps are the simulator's, to the last one, and pull rates down."""

import pytest
import torch
from torch import nn

import neurosim as ns
from neurosim.errors import TrainError
from neurosim.nn.plif import PLIF
from neurosim.train.penalty import SynapticOperations

CLIPS = {
    "svformer_tiny": ((16, 2, 3, 64, 64), "real"),
    "dvs_conv": ((6, 2, 2, 64, 64), "spike"),
    "norse_conv": ((6, 2, 2, 34, 34), "spike"),
}


def counted(name):
    shape, kind = CLIPS[name]
    x = torch.rand(shape, generator=torch.Generator().manual_seed(3))
    clip = x if kind == "real" else (x < 0.1).float()
    model = ns.models.load(name)
    graph = ns.capture(model, clip, kind=kind)
    return model, clip, graph, SynapticOperations(graph, model)


@pytest.mark.parametrize("name", CLIPS)
def test_forward_is_the_exact_count(name):
    model, clip, graph, operations = counted(name)
    with torch.no_grad(), operations.listen():
        model(clip)
    run = ns.simulate(graph, clip, "dense")
    assert int(operations.total()) == run.synaptic_operations() > 0


def test_share_is_over_a_network_in_which_everything_fires():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lif, self.conv = PLIF(), nn.Conv2d(2, 3, 3, padding=1)

        def forward(self, x):
            return self.conv(self.lif(x).flatten(0, 1)).flatten(1).unflatten(0, x.shape[:2]).mean(0)

    model, clip = Net().eval(), torch.full((4, 2, 2, 5, 5), 100.0)
    operations = SynapticOperations(ns.capture(model, clip), model)
    with torch.no_grad(), operations.listen():
        model(clip)
    assert float(operations.share()) == 1.0
    existing = 3 * (5 * 3 - 2) ** 2 * 2  # outputs × (positions that exist along an axis)² × inputs
    assert int(operations.total()) == existing * 4 * 2


def test_the_gradient_lowers_the_count():
    model, clip, _, operations = counted("dvs_conv")
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    found = []
    for _ in range(4):
        with operations.listen():
            model(clip)
        found.append(float(operations.share().detach()))
        optimizer.zero_grad()
        operations.share().backward()
        optimizer.step()
    assert found[-1] < 0.95 * found[0]


def test_listening_ends():
    model, clip, _, operations = counted("dvs_conv")
    with torch.no_grad(), operations.listen():
        model(clip)
    before = int(operations.total())
    with torch.no_grad():
        model(clip)
    assert int(operations.total()) == before and not any(
        m._forward_pre_hooks for m in model.modules()
    )


def test_a_model_without_spikes_is_one_line():
    model = nn.Sequential(nn.Flatten(2), nn.Linear(12, 3)).eval()
    graph = ns.capture(model, torch.rand(2, 2, 3, 2, 2))
    with pytest.raises(TrainError, match="no layer of .* takes spikes; set it to 0"):
        SynapticOperations(graph, model)
