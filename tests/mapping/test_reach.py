"""Cells and places against torch: every synapse of a layer, and no other."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.ir.graph import Graph
from neurosim.mapping.reach import reach_of
from tests.mapping.nets import STEPS, clip_node, conv, linear, synapses, weights
from tests.ops.graphs import built


def _full(graph: Graph, layer: str, encoding: str = "conv") -> np.ndarray:
    """(outputs, inputs) synapses as the reach has them."""
    reach = reach_of(graph[layer], graph.params, encoding)
    taps = np.asarray(reach.taps.todense())
    return taps[np.ix_(reach.cell, reach.place)].T


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("stride", "padding", "kernel"), [(1, 0, 3), (2, 1, 3), (3, 2, 2), (1, 0, 1)]
)
def test_convolution(groups: int, stride: int, padding: int, kernel: int) -> None:
    params = weights(0, w=(8, 4 // groups, kernel, kernel))
    nodes = [clip_node((4, 5, 6)), conv("c", "clip", "w", stride, padding, groups)]
    graph = built(nodes, params, STEPS)
    np.testing.assert_array_equal(_full(graph, "c"), synapses(graph, "c"))
    assert reach_of(graph["c"], params, "conv").weights_per_channel == 4 // groups * kernel**2


def test_linear_rows_do_not_meet() -> None:
    graph = built([clip_node((3, 4)), linear("l", "clip", "w")], weights(0, w=(5, 4)), STEPS)
    np.testing.assert_array_equal(_full(graph, "l"), synapses(graph, "l"))
    assert reach_of(graph["l"], graph.params, "dense").shared


def test_lists_leave_zeros_out() -> None:
    weight = np.array([[0, 1, 0], [2, 0, 0]], np.float32)
    graph = built([clip_node((3,)), linear("l", "clip", "w")], {"w": weight}, STEPS)
    np.testing.assert_array_equal(_full(graph, "l", "sparse"), weight != 0)
    np.testing.assert_array_equal(_full(graph, "l", "dense"), np.ones((2, 3)))
