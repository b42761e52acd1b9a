"""Chains without a neuron between become one map; a bias under padding becomes a map of its own."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from neurosim.ir.graph import Graph, Node
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import body, clip, conv, neuron, norm, norm_params, ran, same_spikes

RNG = np.random.default_rng(3)


def grid(*shape: int) -> np.ndarray:
    return (RNG.integers(-4, 5, shape) / 4).astype(np.float32)


def local_block(biased: bool = True) -> Graph:
    """SVFormer's 1×1 · depthwise 5×5 · 1×1."""
    params = {"w1": grid(4, 3, 1, 1), "w2": grid(4, 1, 5, 5), "w3": grid(4, 4, 1, 1)}
    roles: list[dict[str, str]] = [{"weight": f"w{i}"} for i in (1, 2, 3)]
    if biased:
        params |= {"b1": grid(4), "b2": grid(4), "b3": grid(4)}
        roles = [r | {"bias": f"b{i}"} for i, r in enumerate(roles, 1)]
    nodes = [input_node((3, 8, 8), 5), conv("conv1", "clip", roles[0])]
    nodes += [
        conv("attn", "conv1", roles[1], padding=(2, 2), groups=4),
        conv("conv2", "attn", roles[2]),
    ]
    return built([*nodes, neuron("n", "conv2")], params, 5, 2)


def test_svformers_local_block_is_one_spike_driven_convolution() -> None:
    before = local_block()
    after = passes.merge_linear_chains(before)
    assert [(n.name, n.op, *map(str, n.inputs)) for n in after] == [
        ("clip", "input"),
        ("conv1", "convolution", "clip"),
        ("conv2", "affine", "conv1"),
        ("n", "neuron", "conv2"),
    ]
    merged = after["conv1"]
    assert merged.known.weight_shape == (4, 3, 5, 5) and merged.attrs["groups"] == 1
    assert after.params[after["conv2"].params["bias"]].shape == (4, 8, 8)
    a, b = ran(before, clip()), ran(after, clip())
    same_spikes(a, b)
    assert a.counts.total("mac") > 0 and b.counts.total("mac") == 0
    active = clip().sum(axis=(0, 1, 2))  # a 5×5 kernel reaches 3, 4 or 5 outputs along an axis
    fan = np.array([3, 4, 5, 5, 5, 5, 4, 3])
    assert b.counts.get("conv1", "synapse") == 4 * int(fan @ active @ fan)
    assert body(passes.merge_linear_chains(after)) == body(after)
    assert "capture>merge_linear_chains" in str(after).splitlines()[0]


def test_a_bias_that_meets_no_padding_stays_a_bias() -> None:
    before = local_block(biased=False)
    before = built([*before.nodes], before.params, 5, 2)
    after = passes.merge_linear_chains(before)
    assert [n.name for n in after] == ["clip", "conv1", "n"] and set(after["conv1"].params) == {
        "weight"
    }
    same_spikes(ran(before, clip()), ran(after, clip()))
    params = {"w1": grid(4, 3, 3, 3), "b1": grid(4), "w2": grid(2, 4, 1, 1), "b2": grid(2)}
    nodes = [
        input_node((3, 8, 8), 5),
        conv("a", "clip", {"weight": "w1", "bias": "b1"}, padding=(1, 1)),
    ]
    nodes += [conv("b", "a", {"weight": "w2", "bias": "b2"})]
    before = built(nodes, params, 5, 2)
    after = passes.merge_linear_chains(before)
    assert after.outputs == ("a",) and set(after["a"].params) == {"weight", "bias"}
    expected = params["w2"][:, :, 0, 0] @ params["b1"] + params["b2"]
    np.testing.assert_array_equal(after.params[after["a"].params["bias"]], expected)
    same_spikes(ran(before, clip()), ran(after, clip()))


def test_linear_maps() -> None:
    params = {"w1": grid(6, 4), "b1": grid(6), "w2": grid(3, 6), "w3": grid(2, 3), "b3": grid(2)}
    nodes = [
        input_node((5, 4), 5),
        node("a", "linear", "clip", params={"weight": "w1", "bias": "b1"}),
    ]
    nodes += [node("b", "linear", "a", params={"weight": "w2"})]
    nodes += [node("c", "linear", "b", params={"weight": "w3", "bias": "b3"}), neuron("n", "c")]
    before = built(nodes, params, 5, 2)
    after = passes.merge_linear_chains(before)
    assert [n.name for n in after] == ["clip", "a", "n"]
    np.testing.assert_array_equal(
        after.params[after["a"].params["weight"]], params["w3"] @ params["w2"] @ params["w1"]
    )
    same_spikes(ran(before, clip(shape=(5, 4))), ran(after, clip(shape=(5, 4))))


def test_a_norm_goes_into_the_chain_first() -> None:
    before = local_block()
    nodes = [*before.nodes[:-1], norm("bn", "conv2"), neuron("n", "bn")]
    before = passes.snap_weights(built(nodes, before.params | norm_params(RNG, "bn", 4), 5, 2))
    folded = passes.merge_linear_chains(passes.fold_batch_norm(before))
    sunk = passes.sink_affine(folded)
    assert [n.op for n in sunk] == ["input", "convolution", "neuron"]
    same_spikes(ran(before, clip()), ran(sunk, clip()))


@pytest.mark.parametrize(
    "reason", ["neuron", "another reader", "output", "padding", "transposed", "other op"]
)
def test_what_stays(reason: str) -> None:
    params = {"w1": grid(4, 3, 3, 3), "w2": grid(4, 4, 3, 3), "w3": grid(4, 6)}
    pad = (1, 1) if reason == "padding" else (0, 0)
    start = [input_node((3, 8, 8), 5), conv("a", "clip", {"weight": "w1"}, transposed=False)]
    second: list[Node] = [conv("b", "a", {"weight": "w2"}, padding=pad), neuron("n", "b")]
    outputs: tuple[str, ...] = ("n",)
    if reason == "neuron":
        second = [neuron("m", "a"), conv("b", "m", {"weight": "w2"}), neuron("n", "b")]
    elif reason == "another reader":
        second, outputs = [*second, neuron("m", "a")], ("n", "m")
    elif reason == "output":
        outputs = ("n", "a")
    elif reason == "transposed":
        second[0] = conv("b", "a", {"weight": "w2"}, transposed=True)
    elif reason == "other op":
        second[0] = node("b", "linear", "a", params={"weight": "w3"})
    before = built([*start, *second], params, 5, 2, outputs)
    assert body(passes.merge_linear_chains(before)) == body(before)
