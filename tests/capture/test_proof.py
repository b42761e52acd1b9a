"""The proof of a capture finds a graph that is not the model, and names the node."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from neurosim.capture.capture import capture
from neurosim.capture.proof import prove
from neurosim.errors import CaptureError

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
