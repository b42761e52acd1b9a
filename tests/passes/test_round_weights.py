"""Rounded weights against a loop over output channels in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from neurosim import passes
from neurosim.errors import ClipError
from neurosim.ir.graph import Graph
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import RandomNet, body, clip, conv, neuron, ran

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.3, shape).astype(np.float32)


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """One output channel; Python's ``round`` of a fraction takes ties to even."""
    exact = [Fraction(float(v)) for v in values.ravel()]
    step = max(map(abs, exact)) / (2 ** (bits - 1) - 1)
    found = [float(round(v / step) * step) if step else 0.0 for v in exact]
    return np.array(found, np.float32).reshape(values.shape)


def linear(weight: np.ndarray) -> Graph:
    nodes = [input_node((weight.shape[1],), 4), node("l", "linear", "clip", params={"weight": "w"})]
    return built(nodes, {"w": weight}, 4)


@pytest.mark.parametrize("bits", [2, 3, 4, 8, 16])
def test_linear_and_convolution_by_output_channel(bits: int) -> None:
    weight = numbers(4, 6)
    weight[2] = 0
    found = passes.round_weights(linear(weight), bits=bits).params["w"]
    np.testing.assert_array_equal(found, [rounded(row, bits) for row in weight])
    assert found.dtype == np.float32 and not found[2].any()
    assert max(len(set(np.abs(row))) for row in found) <= 2 ** (bits - 1)

    params = {"w": numbers(6, 2, 3, 3)}
    nodes = [input_node((4, 6, 6), 3), conv("c", "clip", {"weight": "w"}, groups=2)]
    found = passes.round_weights(built(nodes, params, 3), bits=bits).params["w"]
    np.testing.assert_array_equal(found, [rounded(kernel, bits) for kernel in params["w"]])


def test_kernels_over_time() -> None:
    params = {"w": numbers(3, 2, 2, 3, 3)}
    attrs = {"stride": (1,) * 3, "padding": (0,) * 3, "dilation": (1,) * 3, "groups": 1}
    c = node("c", "temporal_convolution", "clip", params={"weight": "w"}, **attrs)
    found = passes.round_weights(built([input_node((2, 6, 6), 4), c], params, 4), bits=4)
    np.testing.assert_array_equal(found.params["w"], [rounded(k, 4) for k in params["w"]])


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_weights_have_their_outputs_on_the_second_axis(groups: int) -> None:
    params = {"w": numbers(4, 3, 2, 2)}
    attrs = {"transposed": True, "groups": groups}
    nodes = [input_node((4, 5, 5), 3), conv("c", "clip", {"weight": "w"}, **attrs)]
    found = passes.round_weights(built(nodes, params, 3), bits=3).params["w"]
    for g in range(groups):
        rows = slice(g * 4 // groups, (g + 1) * 4 // groups)
        for o in range(3):
            np.testing.assert_array_equal(found[rows, o], rounded(params["w"][rows, o], 3))


def test_ties_go_to_even() -> None:
    weight = np.array([[7, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5]], np.float32)
    found = passes.round_weights(linear(weight), bits=4).params["w"]
    np.testing.assert_array_equal(found, [[7, 0, 2, 2, 0, -2, -2]])


@pytest.mark.parametrize("bits", [2, 5, 8])
def test_idempotent_and_everything_else_stays(bits: int) -> None:
    before = RandomNet(5).graph()
    after = passes.round_weights(before, bits=bits)
    again = passes.round_weights(after, bits=bits)
    weights = {n.params["weight"] for n in before if n.op in ("convolution", "linear")}
    for key, value in before.params.items():
        np.testing.assert_array_equal(again.params[key], after.params[key])
        assert (key in weights) == bool((after.params[key] != value).any())
    assert body(after) == body(before)
    assert after.pipeline == ("capture", f"round_weights(bits={bits})")


def test_a_shared_weight_stays_shared_and_more_bits_are_nearer() -> None:
    params = {"w": numbers(3, 3, 3, 3)}
    nodes = [input_node((3, 8, 8), 5), conv("a", "clip", {"weight": "w"}), neuron("n", "a")]
    graph = built([*nodes, conv("b", "n", {"weight": "w"})], params, 5, 2)
    far = [
        float(np.abs(passes.round_weights(graph, bits=b).params["w"] - params["w"]).max())
        for b in (2, 4, 8, 24)
    ]
    assert far == sorted(far, reverse=True) and far[0] > 0.1 and far[-1] < 1e-6
    assert set(passes.round_weights(graph, bits=4).params) == {"w"}


def test_facts_count_the_weights_that_became_zero() -> None:
    graph = linear(numbers(4, 50))
    after = passes.round_weights(graph, bits=2)
    zeros = int((after.params["w"] == 0).sum())
    assert graph["l"].known.weight_zeros == 0 < zeros == after["l"].known.weight_zeros
    spikes = np.ones((4, 1, 50), np.float32)
    run = ran(after, spikes)
    assert run.counts.total("synapse") == 4 * 200
    assert run.counts.total("synapse_zero") == 4 * zeros


def test_few_bits_change_spikes() -> None:
    net, x = RandomNet(2).graph(), clip(2)
    a, b = ran(net, x), ran(passes.round_weights(net, bits=2), x)
    assert any((a.trace[n] != b.trace[n]).any() for n in a.trace.values)


@pytest.mark.parametrize("bits", [1, 2.5, float("nan")])
def test_bad_bits(bits: float) -> None:
    with pytest.raises(
        ClipError, match="at noise 'bits': found level .*; give a whole number of at"
    ):
        passes.round_weights(linear(numbers(2, 3)), bits=bits)
