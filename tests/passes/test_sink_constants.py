"""Biases end in neurons, and no spike moves."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from neurosim.ir.graph import Edge, Graph
from neurosim.ir.neuron import Neuron
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import (
    STEPS,
    RandomNet,
    body,
    clip,
    conv,
    neuron,
    ran,
    same_events,
    same_spikes,
)  # fmt: skip


def residual() -> Graph:
    """Two convolutions with bias, the second padded, added to a third: its border differs."""
    rng = np.random.default_rng(0)
    shapes = {"a": (3, 3, 1, 1), "b": (3, 3, 3, 3), "c": (3, 3, 1, 1)}
    params = {f"{n}.w": np.rint(rng.normal(0, 4, s)) / 8 for n, s in shapes.items()}
    params |= {f"{n}.b": np.rint(rng.normal(0, 4, 3)) / 8 for n in shapes}
    params = {k: v.astype(np.float32) for k, v in params.items()}

    def roles(name: str) -> dict[str, str]:
        return {"weight": f"{name}.w", "bias": f"{name}.b"}

    nodes = [
        input_node((3, 8, 8), STEPS),
        conv("a", "clip", roles("a")),
        conv("b", "a", roles("b"), padding=(1, 1)),
        conv("c", "clip", roles("c")),
        node("sum", "add", "b", "c"),
        neuron("n", "sum"),
    ]
    return built(nodes, params, STEPS, 2)


def test_a_bias_that_meets_padding_is_another_along_the_border() -> None:
    graph, x = residual(), clip(1)
    sunk = passes.sink_constants(graph)
    assert not any("bias" in n.params for n in sunk if n.op == "convolution")
    bias = sunk.params[sunk["n"].params["affine_bias"]]
    assert bias.shape == (1, 3, 8, 8)
    inner = bias[0, :, 1:-1, 1:-1]
    np.testing.assert_array_equal(inner, np.broadcast_to(inner[:, :1, :1], inner.shape))
    assert (bias[0, :, 0, 0] != inner[:, 0, 0]).all()
    before, after = ran(graph, x), ran(sunk, x)
    assert before.counts.total("spike") > 0
    same_spikes(before, after)
    same_events(before, after)
    assert body(passes.sink_constants(sunk)) == body(sunk)


@pytest.mark.parametrize("seed", [1, 2])
def test_random_networks_keep_their_spikes(seed: int) -> None:
    graph, x = passes.snap_weights(RandomNet(seed).graph()), clip(seed)
    for lowered in (graph, passes.lower(graph)):
        before, after = ran(lowered, x), ran(passes.sink_constants(lowered), x)
        same_spikes(before, after)
        same_events(before, after)


def test_what_something_else_reads_stays() -> None:
    graph = residual()
    seen = built(list(graph.nodes), dict(graph.params), STEPS, 2, ("n", "a"))
    sunk = passes.sink_constants(seen)
    assert {n.name for n in sunk if "bias" in n.params} == {"a"}
    late = [*graph.nodes[:-1], neuron("n", "sum")]
    late[-1] = node("n", "neuron", Edge("sum", 1), equation=late[-1].attrs["equation"])
    kept = passes.sink_constants(built(late, dict(graph.params), STEPS, 2))
    assert sum("bias" in n.params for n in kept) == 3, "a delayed sum begins with zeros"
    same_spikes(ran(seen, clip(2)), ran(sunk, clip(2)))


def test_neurons_in_fixed_point_keep_what_arrives() -> None:
    rng = np.random.default_rng(0)
    params = {"w": rng.normal(0, 4, (4, 6)).astype(np.float32), "b": np.ones(4, np.float32)}
    equation = Neuron(current="decay_first", i_decay=0.5, v_decay=0.5).to_dict()
    nodes = [
        input_node((6,), STEPS),
        node("l", "linear", "clip", params={"weight": "w", "bias": "b"}),
        node("n", "neuron", "l", equation=equation),
    ]
    fixed = passes.quantize(built(nodes, params, STEPS))
    assert "n.offset" in fixed.by_name
    assert body(passes.sink_constants(fixed)) == body(fixed)
