"""Fan-out maps against a count of the outputs that change when one input does."""

import numpy as np
import pytest
import torch
from torch import nn

import neurosim as ns
from neurosim.errors import GraphError
from neurosim.ops._fan_out import fan_out_map


class Over(nn.Module):
    """A layer on spikes, a step at a time (or over all steps)."""

    def __init__(self, layer, temporal=False):
        super().__init__()
        self.layer, self.temporal = layer, temporal

    def forward(self, x):
        if self.temporal:
            return self.layer(x.permute(1, 2, 0, 3, 4)).flatten(1)
        return self.layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


LAYERS = {
    "stride": (nn.Conv2d(2, 3, 3, stride=2, padding=1), False),
    "dilation and groups": (nn.Conv2d(2, 4, 2, dilation=2, groups=2), False),
    "transposed": (nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1), False),
    "over time": (nn.Conv3d(2, 4, (4, 2, 3), groups=2), True),
}


@pytest.mark.parametrize("name", LAYERS)
def test_map_counts_the_outputs_that_an_element_reaches(name):
    layer, temporal = LAYERS[name]
    model, shape = Over(layer, temporal).eval(), (4, 1, 2, 5, 4)
    graph = ns.capture(model, torch.zeros(shape), kind="spike")
    node = graph["layer"]
    found = fan_out_map(node, 4, (2, 5, 4), graph.params[node.params["weight"]].shape)
    with torch.no_grad():
        nn.init.constant_(layer.weight, 1.0)
        silent = model(torch.zeros(shape))
        reached = np.zeros((4, 2, 5, 4), np.int64)
        for at in np.ndindex(4, 2, 5, 4):
            clip = torch.zeros(shape)
            clip[at[0], 0, at[1], at[2], at[3]] = 1
            reached[at] = int((model(clip) != silent).sum())
    assert np.array_equal(np.broadcast_to(found, reached.shape), reached) and reached.max() > 0


def test_linear():
    model = nn.Sequential(nn.Flatten(2), nn.Linear(12, 7)).eval()
    graph = ns.capture(model, torch.zeros(2, 2, 3, 2, 2), kind="spike")
    node = next(n for n in graph.nodes if n.op == "linear")
    assert fan_out_map(node, 2, (12,), (7, 12)).tolist() == [[7]]


def test_other_operators_have_none():
    graph = ns.capture(nn.Flatten(2).eval(), torch.zeros(2, 2, 3, 2, 2), kind="spike")
    with pytest.raises(GraphError, match="has no fan-out map"):
        fan_out_map(graph.nodes[-1], 2, (12,), (7, 12))
