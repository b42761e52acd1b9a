"""α into the weights of a single consumer; an affine everywhere else."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from neurosim.ir.graph import Edge, Graph, Node
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import (
    body,
    clip,
    conv,
    neuron,
    norm,
    norm_params,
    ran,
    same_events,
    same_spikes,
)


def net(
    map_: Node,
    weight: np.ndarray,
    *,
    per_step: bool = False,
    bias: bool = True,
    axis: int = 0,
    shape: tuple[int, ...] = (3, 8, 8),
    more: tuple[Node, ...] = (),
    outputs: tuple[str, ...] = ("n",),
) -> Graph:
    """clip → map → norm → neuron, on a grid."""
    rng = np.random.default_rng(0)
    channels = norm_channels(map_, weight)
    params = {"w": weight.astype(np.float32)} | norm_params(
        rng, "bn", channels, 5 if per_step else 1
    )
    params |= {"b": rng.normal(0, 1, channels).astype(np.float32)} if bias else {}
    nodes = [
        input_node(shape, 5),
        map_,
        norm("bn", map_.name, axis, per_step),
        neuron("n", "bn"),
        *more,
    ]
    return passes.snap_weights(built(nodes, params, 5, 2, outputs))


def norm_channels(map_: Node, weight: np.ndarray) -> int:
    if map_.attrs.get("transposed"):
        return weight.shape[1] * map_.attrs["groups"]
    return len(weight)


ROLES = {"weight": "w", "bias": "b"}
RNG = np.random.default_rng(7)
MAPS = {
    "plain": (conv("c", "clip", ROLES, padding=(1, 1)), RNG.normal(0, 0.5, (4, 3, 3, 3))),
    "grouped": (conv("c", "clip", ROLES, groups=3), RNG.normal(0, 0.5, (6, 1, 3, 3))),
    "transposed": (
        conv("c", "clip", ROLES, transposed=True, stride=(2, 2)),
        RNG.normal(0, 0.5, (3, 4, 2, 2)),
    ),
    "transposed, grouped": (
        conv("c", "clip", ROLES, transposed=True, groups=3),
        RNG.normal(0, 0.5, (3, 2, 2, 2)),
    ),
}


@pytest.mark.parametrize("name", MAPS)
def test_into_every_kind_of_convolution(name: str) -> None:
    before = net(*MAPS[name])
    after = passes.fold_batch_norm(before)
    assert [n.op for n in after] == ["input", "convolution", "neuron"]
    assert {"w", "bn.mean"}.isdisjoint(after.params)
    a, b = ran(before, clip()), ran(after, clip())
    assert a.counts.total("spike") > 0
    same_spikes(a, b)
    same_events(a, b)


def test_into_a_linear_map_over_the_last_axis() -> None:
    map_ = node("c", "linear", "clip", params=ROLES)
    before = net(map_, RNG.normal(0, 0.5, (4, 6)), axis=1, shape=(5, 6))
    after = passes.fold_batch_norm(before)
    assert [n.op for n in after] == ["input", "linear", "neuron"]
    same_spikes(ran(before, clip(shape=(5, 6))), ran(after, clip(shape=(5, 6))))


def test_the_numbers() -> None:
    """W ← α·W, b ← α·b + β with α = weight/√(var + eps)."""
    rng = np.random.default_rng(0)
    params = norm_params(rng, "bn", 2) | {"w": rng.normal(size=(2, 3, 1, 1)).astype(np.float32)}
    params["b"] = np.float32([0.5, -1])
    nodes = [input_node((3, 8, 8), 5), conv("c", "clip", ROLES), norm("bn", "c")]
    after = passes.fold_batch_norm(built(nodes, params, 5, 2))
    alpha = params["bn.weight"][0] / np.sqrt(params["bn.var"][0] + 1e-5)
    np.testing.assert_allclose(
        after.params["c.weight*bn"], params["w"] * alpha[:, None, None, None], rtol=1e-6
    )
    bias = params["bn.bias"][0] + (params["b"] - params["bn.mean"][0]) * alpha
    np.testing.assert_allclose(after.params["c.weight*bn.bias"], bias, rtol=1e-5)
    assert after.outputs == ("c",)


def test_per_step_becomes_one_affine_never_copies_of_the_weights() -> None:
    before = net(*MAPS["plain"], per_step=True)
    after = passes.fold_batch_norm(before)
    assert [n.op for n in after] == ["input", "convolution", "affine", "neuron"]
    assert after["bn"].attrs == {"per_step": True}
    assert after.params["bn.scale"].shape == (5, 4, 1, 1) and "bias" not in after["c"].params
    assert after.params[after["c"].params["weight"]].shape == (4, 3, 3, 3)
    a, b = ran(before, clip()), ran(after, clip())
    same_spikes(a, b)
    same_events(a, b)


def test_a_shared_weight_is_unshared() -> None:
    twin = conv("twin", "clip", ROLES, padding=(1, 1))
    before = net(*MAPS["plain"], more=(twin, neuron("m", "twin")), outputs=("n", "m"))
    assert before["twin"].params["weight"] != before["c"].params["weight"]  # snapped apart
    tied = {n.name: n for n in before}
    tied["twin"] = Node("twin", "convolution", (Edge("clip"),), twin.attrs, before["c"].params)
    before = built(list(tied.values()), before.params, 5, 2, ("n", "m"))
    after = passes.fold_batch_norm(before)
    assert after["twin"].params == before["c"].params
    assert after["twin"].known.weight_key != after["c"].known.weight_key
    same = after.params[after["twin"].params["weight"]]
    np.testing.assert_array_equal(same, before.params[before["c"].params["weight"]])
    for name in ("n", "m"):
        x = clip()
        np.testing.assert_array_equal(ran(after, x).trace[name], ran(before, x).trace[name])


@pytest.mark.parametrize("reason", ["two readers", "output", "add before"])
def test_an_affine_where_the_weights_have_another_reader(reason: str) -> None:
    if reason == "two readers":
        before = net(*MAPS["plain"], more=(neuron("m", "c"),), outputs=("n", "m"))
    elif reason == "output":
        before = net(*MAPS["plain"], outputs=("n", "c"))
    else:
        rng = np.random.default_rng(0)
        params = norm_params(rng, "bn", 3) | {"w": RNG.normal(size=(2, 3, 3, 3)).astype(np.float32)}
        nodes = [input_node((3, 8, 8), 5), node("sum", "add", "clip", "clip"), norm("bn", "sum")]
        nodes += [conv("c", "bn", {"weight": "w"}, padding=(1, 1)), neuron("n", "c")]
        before = passes.snap_weights(built(nodes, params, 5, 2))
    after = passes.fold_batch_norm(before)
    assert after["bn"].op == "affine" and not after["bn"].attrs
    if reason == "add before":  # β would meet the zero padding: it must not pass the convolution
        assert "bias" in passes.lower(before)["bn"].params
    x = clip()
    a, b = ran(before, x), ran(passes.lower(before), x)
    assert set(a.trace.values) == set(b.trace.values)
    for name in a.trace.values:
        np.testing.assert_array_equal(a.trace[name], b.trace[name])
    assert body(passes.fold_batch_norm(after)) == body(after)


def test_printed_before_and_after() -> None:
    weight = np.ones((1, 3, 1, 1), np.float32)
    rng = np.random.default_rng(0)
    nodes = [
        input_node((3, 2, 2), 5),
        conv("c", "clip", {"weight": "w"}),
        norm("bn", "c"),
        neuron("n", "bn"),
    ]
    after = passes.fold_batch_norm(built(nodes, norm_params(rng, "bn", 1) | {"w": weight}, 5, 2))
    assert str(after).splitlines() == [
        "graph steps=5 pipeline=capture>fold_batch_norm",
        "  %clip = input() {hi=1, kind=spike, lo=0, shape=[3,2,2], steps=5} : spike[T5; 3x2x2]",
        "  %c = convolution(%clip) {dilation=[1,1], groups=1, output_padding=[0,0], "
        "padding=[0,0], stride=[1,1], transposed=False} "
        "<bias=c.weight*bn.bias, weight=c.weight*bn> : real[T5; 1x2x2]",
        "  %n = neuron(%c) {equation=[fires=>=,v_decay=0.5]} : spike[T5; 1x2x2]",
        "  return %n",
    ]
