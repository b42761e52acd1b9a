"""Affines go into the neurons they feed, past movement and slices."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from neurosim.ir.graph import Edge, Node
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import body, clip, neuron, ran, same_events, same_spikes

RNG = np.random.default_rng(0)


def affine(name: str, operand: str, *roles: str, **attrs: object) -> Node:
    return node(name, "affine", operand, params={r: f"{name}.{r}" for r in roles}, **attrs)


def eighths(*shape: int) -> np.ndarray:
    return (RNG.integers(1, 12, shape) / 8).astype(np.float32)


def check(nodes: list[Node], params: dict[str, np.ndarray], shape: tuple[int, ...], ops: list[str],
          outputs: tuple[str, ...] = ("n",)) -> object:  # fmt: skip
    before = built([input_node(shape, 5), *nodes], params, 5, 2, outputs)
    after = passes.sink_affine(before)
    assert [n.op for n in after] == ["input", *ops]
    x = clip(shape=shape)
    a, b = ran(before, x), ran(after, x)
    for name in a.trace.values:
        np.testing.assert_array_equal(b.trace[name], a.trace[name], err_msg=name)
    same_events(a, b)
    assert body(passes.sink_affine(after)) == body(after)
    return after


@pytest.mark.parametrize("per_step", [False, True])
def test_straight_into_the_neuron(per_step: bool) -> None:
    shape = (5, 3, 1, 1) if per_step else (3, 1, 1)
    params = {"a.scale": eighths(*shape), "a.bias": eighths(*shape)}
    nodes = [affine("a", "clip", "scale", "bias", per_step=per_step), neuron("n", "a")]
    after = check(nodes, params, (3, 4, 4), ["neuron"])
    assert after.params["n.affine_scale"].shape == (5 if per_step else 1, 3, 1, 1)
    assert "<affine_bias=n.affine_bias, affine_scale=n.affine_scale>" in str(after)


def test_composes_in_order() -> None:
    """(x·s₁ + b₁)·s₂ + b₂, the second a division."""
    params = {
        "a.scale": eighths(3, 1),
        "a.bias": eighths(3, 1),
        "b.scale": np.float32(2),
        "b.bias": eighths(2),
    }
    nodes = [
        affine("a", "clip", "scale", "bias"),
        affine("b", "a", "scale", "bias", divide=True),
        neuron("n", "b"),
    ]
    after = check(nodes, params, (3, 2), ["neuron"])
    np.testing.assert_array_equal(after.params["n.affine_scale"], params["a.scale"][None] / 2)
    expected = params["a.bias"][None] / 2 + params["b.bias"]
    np.testing.assert_array_equal(after.params["n.affine_bias"], expected)


def test_past_reshape_and_permute() -> None:
    params = {"a.scale": eighths(5, 6, 1, 1), "a.bias": eighths(5, 6, 1, 1)}
    nodes = [
        affine("a", "clip", "scale", "bias", per_step=True),
        node("r", "reshape", "a", shape=(6, 8)),
    ]
    nodes += [node("p", "permute", "r", order=(1, 0)), neuron("n", "p")]
    after = check(nodes, params, (6, 4, 2), ["reshape", "permute", "neuron"])
    assert after.params["n.affine_scale"].shape == (5, 1, 6)


def test_past_a_reshape_that_splits_the_channels() -> None:
    params = {"a.scale": eighths(6), "a.bias": eighths(6)}
    nodes = [
        affine("a", "clip", "scale", "bias"),
        node("r", "reshape", "a", shape=(4, 2, 3)),
        neuron("n", "r"),
    ]
    after = check(nodes, params, (4, 6), ["reshape", "neuron"])
    assert after.params["n.affine_bias"].shape == (1, 1, 2, 3)


def test_copied_to_the_slices() -> None:
    params = {"a.scale": eighths(5, 1, 6), "a.bias": eighths(5, 1, 6)}
    nodes = [affine("a", "clip", "scale", "bias", per_step=True)]
    for i, name in enumerate("qkv"):
        nodes.append(node(name, "slice", "a", axis=1, start=2 * i, stop=2 * i + 2, step=1))
        nodes.append(neuron(f"{name}.n", name))
    outputs = ("q.n", "k.n", "v.n")
    after = check(nodes, params, (4, 6), ["slice", "neuron"] * 3, outputs)
    np.testing.assert_array_equal(after.params["k.n.affine_scale"], params["a.scale"][:, :, 2:4])


def test_a_name_that_is_taken() -> None:
    """A slice's affine cannot be called as a node that is there already."""
    params = {"a.scale": eighths(6), "a.bias": eighths(6)}
    nodes = [
        affine("a", "clip", "scale", "bias"),
        node("q", "slice", "a", axis=0, start=0, stop=6, step=1),
    ]
    nodes += [neuron("q.affine", "q")]
    check(nodes, params, (6,), ["slice", "neuron"], ("q.affine",))


@pytest.mark.parametrize(
    "reason", ["overlapping slices", "delayed slice", "delayed operand", "output", "two readers"]
)
def test_what_stays(reason: str) -> None:
    params = {"a.scale": eighths(6), "a.bias": eighths(6)}
    start: list[Node] = [affine("a", "clip", "scale", "bias")]
    outputs = ("n", "m")
    cut = {"axis": 0, "step": 1}
    nodes = [
        node("q", "slice", "a", start=0, stop=4, **cut),
        node("k", "slice", "a", start=2, stop=6, **cut),
    ]
    nodes += [neuron("n", "q"), neuron("m", "k")]
    if reason == "delayed slice":
        nodes[0] = Node("q", "slice", (Edge("a", 1),), {"start": 0, "stop": 3, **cut})
    elif reason == "delayed operand":
        start = [Node("a", "affine", (Edge("clip", 1),), {}, start[0].params)]
        nodes, outputs = [neuron("n", "a")], ("n",)
    elif reason == "output":
        nodes, outputs = [neuron("n", "a")], ("n", "a")
    elif reason == "two readers":
        nodes = [neuron("n", "a"), neuron("m", "a")]
    before = built([input_node((6,), 5), *start, *nodes], params, 5, 2, outputs)
    assert body(passes.sink_affine(before)) == body(before)


def test_a_sunk_offset_wakes_no_neuron() -> None:
    params = {"a.bias": np.full((3, 1), 0.75, np.float32)}
    before = built(
        [input_node((3, 2), 5), affine("a", "clip", "bias"), neuron("n", "a")], params, 5, 2
    )
    x = np.zeros((5, 2, 3, 2), np.float32)
    a, b = ran(before, x), ran(passes.sink_affine(before), x)
    same_spikes(a, b)
    assert a.counts.get("n", "neuron_active") == b.counts.get("n", "neuron_active") == 0
    assert b.counts.get("n", "spike") == 24
