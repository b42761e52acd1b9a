"""One number into the weights behind it."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from neurosim.ir.graph import Edge, Graph, Node
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import body, clip, conv, neuron, ran, same_events, same_spikes

WEIGHT = (np.random.default_rng(0).integers(-8, 9, (2, 3, 3, 3)) / 8).astype(np.float32)


def graph(
    scale: object, *more: Node, outputs: tuple[str, ...] = ("n",), delay: int = 0, **attrs: object
) -> Graph:
    gain = Node("s", "affine", (Edge("clip", delay),), attrs, {"scale": "s"})
    nodes = [
        input_node((3, 8, 8), 5),
        gain,
        conv("c", "s", {"weight": "w"}, padding=(1, 1)),
        neuron("n", "c"),
        *more,
    ]
    return built(nodes, {"w": WEIGHT, "s": np.asarray(scale, np.float32)}, 5, 2, outputs)


@pytest.mark.parametrize(("scale", "attrs"), [(0.5, {}), ([[[2.0]]], {}), (4.0, {"divide": True})])
def test_a_number_goes_into_the_weights(scale: object, attrs: dict[str, object]) -> None:
    before = graph(scale, **attrs)
    after = passes.fold_scales(before)
    assert [n.name for n in after] == ["clip", "c", "n"] and set(after.params) == {"c.weight*s"}
    factor = 1 / 4.0 if attrs else float(np.asarray(scale).reshape(-1)[0])
    np.testing.assert_array_equal(after.params["c.weight*s"], WEIGHT * np.float32(factor))
    a, b = ran(before, clip()), ran(after, clip())
    same_spikes(a, b)
    same_events(a, b)
    assert (a.counts.total("multiply"), b.counts.total("multiply")) == (3 * 64 * 10, 0)


def test_a_scale_on_a_scale_in_one_go() -> None:
    nodes = [input_node((3, 8, 8), 5), node("a", "affine", "clip", params={"scale": "a"})]
    nodes += [
        node("b", "affine", "a", params={"scale": "b"}),
        conv("c", "b", {"weight": "w"}),
        neuron("n", "c"),
    ]
    params = {"w": WEIGHT, "a": np.float32(2), "b": np.float32(0.25)}
    after = passes.fold_scales(built(nodes, params, 5, 2))
    assert [n.name for n in after] == ["clip", "c", "n"]
    np.testing.assert_array_equal(after.params[after["c"].params["weight"]], WEIGHT / 2)
    assert body(passes.fold_scales(after)) == body(after)


@pytest.mark.parametrize(
    "reason", ["zero", "per channel", "per step", "another reader", "output", "delayed", "offset"]
)
def test_what_stays(reason: str) -> None:
    scale, attrs, more, outputs = np.float32(0.5), {}, (), ("n",)
    if reason == "zero":  # its operand is REAL: folding would turn mac into synapse
        scale = np.float32(0)
    elif reason == "per channel":
        scale = np.ones((3, 1, 1))
    elif reason == "per step":
        scale, attrs = np.ones((5, 1, 1, 1)), {"per_step": True}
    elif reason == "another reader":
        more, outputs = (neuron("m", "s"),), ("n", "m")
    elif reason == "output":
        outputs = ("n", "s")
    elif reason == "delayed":
        attrs = {"delay": 1}
    before = graph(scale, *more, outputs=outputs, **attrs)
    if reason == "offset":
        nodes = [
            n if n.name != "s" else node("s", "affine", "clip", params={"scale": "s", "bias": "s"})
            for n in before
        ]
        before = built(nodes, before.params, 5, 2)
    assert body(passes.fold_scales(before)) == body(before)
