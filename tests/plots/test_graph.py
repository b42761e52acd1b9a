"""A graph's drawing: every node and operand once, the same bytes every time."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import Tensor, nn

import neurosim as ns
from neurosim.nn.plif import PLIF
from neurosim.plots.graph import draw_graph, layout, svg_of


class Fork(nn.Module):
    """Two paths of unequal length that meet."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.lif = nn.Linear(4, 4), nn.Linear(4, 4), PLIF()

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.lif(self.a(x))) + self.a(x)


@pytest.fixture(scope="module")
def graph() -> ns.Graph:
    return ns.capture(Fork().eval(), torch.rand(3, 1, 4))


def test_boxes_and_arrows(graph: ns.Graph) -> None:
    patches = draw_graph(graph).patches
    assert sum(isinstance(p, FancyBboxPatch) for p in patches) == len(graph)
    operands = sum(len(n.inputs) for n in graph.nodes)
    assert sum(isinstance(p, FancyArrowPatch) for p in patches) == operands


def test_no_two_boxes_in_one_place_and_operands_above(graph: ns.Graph) -> None:
    places = layout(graph)
    assert len(set(places.values())) == len(graph)
    for node in graph.nodes:
        assert all(places[e.node][1] < places[node.name][1] for e in node.inputs if not e.delay)


def test_svg_is_reproducible_and_names_every_node(graph: ns.Graph) -> None:
    first = svg_of(graph)
    assert first == svg_of(graph)
    ET.fromstring(first)
    assert all(node.name in first.decode() for node in graph.nodes)


def test_no_arrow_is_cut_at_the_border() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 4), PLIF(), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            for _ in range(3):
                x = self.c(self.b(self.a(x))) + x
            return x

    axes = draw_graph(ns.capture(Residual().eval(), torch.rand(3, 1, 4)))
    arrows = [p for p in axes.patches if isinstance(p, FancyArrowPatch)]
    left = min(float(v[0]) for p in arrows for v in p._path_original.vertices)  # pyright: ignore
    assert axes.get_xlim()[0] < left - 0.05 < -0.05
