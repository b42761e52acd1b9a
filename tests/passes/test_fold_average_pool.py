"""Average pools go into the weights behind them where that is exact."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from neurosim.ir.graph import Graph, Node
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import average, body, clip, conv, neuron, ran, same_spikes

RNG = np.random.default_rng(5)


def grid(*shape: int) -> np.ndarray:
    return (RNG.integers(-8, 9, shape) / 2).astype(np.float32)


def into_conv(
    pool: dict[str, object], side: int = 8, outputs: tuple[str, ...] = ("n",), **attrs: object
) -> Graph:
    groups = attrs.get("groups", 1)
    params = {"w": grid(3, 3 // groups, 3, 3), "b": grid(3)}
    nodes = [input_node((3, side, side), 5), average("pool", "clip", **pool)]
    nodes += [conv("c", "pool", {"weight": "w", "bias": "b"}, **attrs), neuron("n", "c")]
    return built(nodes, params, 5, 2, outputs)


CASES = {
    "windows side by side, padded": ({}, {"padding": (1, 1)}),
    "no padding": ({"kernel": (2, 2), "stride": (1, 1)}, {"stride": (2, 2)}),
    "depthwise": ({}, {"padding": (1, 1), "groups": 3}),
    "padded pool": ({"padding": (1, 1)}, {}),
    "own divisor": ({"divisor": 2}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_into_a_convolution(name: str) -> None:
    pool, attrs = CASES[name]
    before = into_conv(pool, **attrs)
    after = passes.fold_average_pool(before)
    assert [n.name for n in after] == ["clip", "c", "n"]
    assert after["c"].attrs["groups"] == attrs.get("groups", 1) and after["c"].params["bias"] == "b"
    a, b = ran(before, clip()), ran(after, clip())
    same_spikes(a, b)
    assert a.counts.total("graded_synapse") > 0 == b.counts.total("graded_synapse")
    assert b.counts.get("c", "synapse") > 0 and b.counts.total("multiply") == 0
    assert after.pipeline[-1] == "fold_average_pool"  # says that the node is counted anew
    assert body(passes.fold_average_pool(after)) == body(after)


@pytest.mark.parametrize("pool", [{}, {"padding": (1, 1)}, {"kernel": (4, 4), "stride": (2, 2)}])
def test_through_a_flatten_into_a_linear_map(pool: dict[str, object]) -> None:
    windows = {"(1, 1)": 5, "(4, 4)": 3}.get(str(pool.get("padding", pool.get("kernel"))), 4)
    params = {"w": grid(4, 3 * windows**2), "b": grid(4)}
    nodes = [input_node((3, 8, 8), 5), average("pool", "clip", **pool)]
    nodes += [node("flat", "reshape", "pool", shape=(3 * windows**2,))]
    nodes += [node("fc", "linear", "flat", params={"weight": "w", "bias": "b"}), neuron("n", "fc")]
    before = built(nodes, params, 5, 2)
    after = passes.fold_average_pool(before)
    assert [n.name for n in after] == ["clip", "flat", "fc", "n"] and after[
        "fc"
    ].known.weight_shape == (4, 192)
    x = clip()
    same_spikes(ran(before, x), ran(after, x))
    assert ran(after, x).counts.get("fc", "synapse") == 4 * int(x.sum())


def test_a_pool_on_a_pool_in_one_go() -> None:
    params = {"w": grid(3, 3, 1, 1)}
    nodes = [
        input_node((3, 8, 8), 5),
        average("a", "clip"),
        average("b", "a"),
        conv("c", "b", {"weight": "w"}),
    ]
    before = built([*nodes, neuron("n", "c")], params, 5, 2)
    after = passes.fold_average_pool(before)
    assert after["c"].known.weight_shape == (3, 3, 4, 4) and after["c"].attrs["stride"] == (4, 4)
    same_spikes(ran(before, clip()), ran(after, clip()))


STAY: dict[str, Graph] = {
    "max": into_conv({"mode": "max"}),
    "ceil mode": into_conv({"ceil_mode": True}),
    "divisor varies": into_conv({"padding": (1, 1), "count_include_pad": False}),
    "overlapping windows before padding": into_conv({"stride": (1, 1)}, padding=(1, 1)),
    "a rest of the input before padding": into_conv({}, side=9, padding=(1, 1)),
    "transposed": into_conv({}, transposed=True),
    "output": into_conv({}, outputs=("n", "pool")),
}


@pytest.mark.parametrize("name", STAY)
def test_what_stays(name: str) -> None:
    assert body(passes.fold_average_pool(STAY[name])) == body(STAY[name])


def test_a_second_reader_keeps_the_pool() -> None:
    graph = into_conv({})
    extra: list[Node] = [*graph.nodes, neuron("m", "pool")]
    before = built(extra, graph.params, 5, 2, ("n", "m"))
    assert body(passes.fold_average_pool(before)) == body(before)
