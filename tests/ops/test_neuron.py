"""The neuron operator: spikes and words against brute force; which neuron-steps are active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import tests.oracles as oracle
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import IF, LIF, CurrentLIF, LeakyIntegrator, Neuron
from neurosim.ir.types import Kind
from neurosim.sim.simulate import simulate
from tests.ops.graphs import OF_KIND, Ran, built, input_node, node, operate, ran, same_counts
from tests.oracles import REAL_PATH, Conv, Linear, Path, conv_layer, neuron_activity, neuron_counts

HALF = LIF(v_decay=0.5, v_threshold=1.0, fires=">=")
CASES: list[tuple[Neuron, oracle.Neuron]] = [
    (HALF, oracle.Neuron(v_decay=0.5)),
    (
        LIF(v_decay=0.75, fires=">", reset="subtract"),
        oracle.Neuron(v_decay=0.75, fires=">", reset="subtract"),
    ),
    (IF(fires=">=", reset="none"), oracle.Neuron(reset="none")),
    (IF(fires=">=", reset="subtract", max_spikes=3), oracle.Neuron(reset="subtract", max_spikes=3)),
    (
        CurrentLIF(i_decay=0.5, v_decay=0.5, fires=">"),
        oracle.Neuron(v_decay=0.5, current="decay_first", i_decay=0.5, fires=">"),
    ),
    (LIF(v_decay=0.5, fires=">=", refractory=2), oracle.Neuron(v_decay=0.5, refractory=2)),
]


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("engine", ["dense", "event"])
@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_spikes_and_counts(case: int, engine: str, chunk: int) -> None:
    neuron, brute = CASES[case]
    x = OF_KIND["real"](np.random.default_rng(case), 8, 2, 3, 2)
    x = type(x)(np.round(x.n * 4) / 4 + 0.25, "real")  # many values exactly at the threshold
    found = operate("neuron", x, equation=neuron.to_dict(), engine=engine, chunk=chunk)
    spikes, _ = oracle.neuron(x.n, brute)
    assert 0 < spikes.sum() < spikes.size
    np.testing.assert_array_equal(found.out, spikes)
    most = neuron.max_spikes
    assert (found.type.kind, found.type.hi) == (Kind.SPIKE if most == 1 else Kind.GRADED, most)
    active = neuron_activity([REAL_PATH], (3, 2), 8, 2)
    same_counts(found.counts, neuron_counts(active, spikes, neuron.state_words))
    assert found.facts.state_words == 1 + (case in (4, 5))


def test_a_parameter_of_each_neuron_is_read_at_every_step() -> None:
    x = OF_KIND["real"](np.random.default_rng(0), 4, 2, 3, 2)
    for shape, words in (((3, 2), 6), ((3, 1), 0), ((), 0)):
        found = operate(
            "neuron", x, equation=HALF.to_dict(), params={"v_threshold": np.ones(shape, np.float32)}
        )
        assert (found.counts["weight_read"] == words).all()


def test_an_affine_in_front_emits_no_arithmetic() -> None:
    x = OF_KIND["real"](np.random.default_rng(0), 4, 2, 3)
    affine = {
        "affine_scale": np.full((1, 3), 2, np.float32),
        "affine_bias": np.arange(12, dtype=np.float32).reshape(4, 3),
    }
    for chunk in (1, 3, 4):
        found = operate("neuron", x, equation=HALF.to_dict(), params=affine, chunk=chunk)
        spikes, _ = oracle.neuron(2 * x.n + affine["affine_bias"][:, None], CASES[0][1])
        np.testing.assert_array_equal(found.out, spikes)
        assert not {"add", "multiply", "compare"} & set(found.counts)
    assert found.facts.neuron["affine"]


def test_membranes_are_real_and_looking_at_one_costs_nothing() -> None:
    x = OF_KIND["real"](np.random.default_rng(1), 4, 2, 3)
    looked = operate("neuron", x, equation=HALF.to_dict(), emit="v")
    assert looked.type.kind is Kind.REAL
    np.testing.assert_array_equal(looked.out, oracle.neuron(x.n, CASES[0][1])[1])
    same_counts(looked.counts, {})
    leaky = operate("neuron", x, equation=LeakyIntegrator(v_decay=0.5).to_dict())
    assert leaky.type.kind is Kind.REAL and leaky.total("neuron_active") == 4 * 2 * 3
    assert leaky.total("state_write") == 24 and "spike" not in leaky.counts


# ---- which neuron-steps are active

T, B = 5, 2
ONE = {
    "stride": (1, 1),
    "padding": (1, 1),
    "dilation": (1, 1),
    "groups": 1,
    "transposed": False,
    "output_padding": (0, 0),
}


def conv(name: str, source: str | Edge, weight: str = "w", **changes: Any) -> Node:
    return node(name, "convolution", source, params={"weight": weight}, **(ONE | changes))


def fire(name: str, source: str) -> Node:
    return node(name, "neuron", source, equation=HALF.to_dict())


def sparse(rate: float = 0.06, *shape: int) -> np.ndarray:
    """A clip (T, B, …) with little in it."""
    rng = np.random.default_rng(7)
    return (rng.random((T, B, *(shape or (4, 6, 6)))) < rate).astype(np.float32)


def weights(*shape: int) -> np.ndarray:
    """Half of them exactly 0: an event through a zero weight arrives all the same."""
    rng = np.random.default_rng(8)
    return (rng.integers(-2, 3, shape) * (rng.random(shape) < 0.5)).astype(np.float32)


def run(
    nodes: Sequence[Node],
    params: dict[str, np.ndarray],
    clip: np.ndarray,
    name: str = "n",
    chunk: int | None = None,
    kind: str = "spike",
) -> Ran:
    graph: Graph = built([input_node(clip.shape[2:], T, kind), *nodes], params, T, B)
    return ran(graph, simulate(graph, clip, "dense", chunk=chunk, record="all"), name)


def check(found: Ran, paths: Sequence[Path | None]) -> None:
    """Active and idle neuron-steps of each step and sample."""
    active = neuron_activity(paths, found.type.shape, T, B).reshape(T, B, -1)
    np.testing.assert_array_equal(found.counts["neuron_active"], active.sum(2))
    np.testing.assert_array_equal(found.counts["neuron_idle"], (~active).sum(2))
    assert 0 < active.sum() < active.size or None in paths


GEOMETRIES = [
    {},
    {"groups": 2},
    {"groups": 4, "padding": (0, 2), "dilation": (1, 2)},
    {"stride": (2, 3), "padding": (0, 1), "groups": 2},
    {"transposed": True, "stride": (2, 1), "output_padding": (1, 0)},
    {"transposed": True, "groups": 2, "padding": (2, 0)},
]


@pytest.mark.parametrize("case", range(len(GEOMETRIES)))
@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_through_a_convolution(case: int, chunk: int) -> None:
    a = ONE | GEOMETRIES[case]
    shape = (4, 2, 3, 3) if a["transposed"] else (8, 4 // a["groups"], 3, 3)
    clip, w = sparse(), weights(*shape)
    found = run([conv("c", "clip", **a), fire("n", "c")], {"w": w}, clip, chunk=chunk)
    check(found, [Path(clip != 0, (conv_layer(w, **a),))])


def test_through_a_dense_layer() -> None:
    clip = sparse(0.05, 10)
    found = run(
        [node("c", "linear", "clip", params={"weight": "w"}), fire("n", "c")],
        {"w": weights(3, 10)},
        clip,
    )
    check(found, [Path(clip != 0, (Linear((3, 10)),))])


def test_through_a_residual_addition() -> None:
    clip, w = sparse(), weights(4, 4, 3, 3)
    wide = {"padding": (2, 2), "dilation": (2, 2), "groups": 4}
    nodes = [
        conv("a", "clip"),
        conv("b", "clip", "w2", **wide),
        node("s", "add", "a", "b", subtract=True),
        fire("n", "s"),
    ]
    found = run(nodes, {"w": w, "w2": weights(4, 1, 3, 3)}, clip)
    layers = conv_layer(w, padding=1), Conv((4, 1, 3, 3), padding=2, dilation=2, groups=4)
    check(found, [Path(clip != 0, (layer,)) for layer in layers])


def test_a_shortcut_of_spikes_arrives_where_it_is_active() -> None:
    clip, w = sparse(0.02), weights(4, 4, 3, 3)
    found = run(
        [conv("a", "clip", groups=1), node("s", "add", "a", "clip"), fire("n", "s")], {"w": w}, clip
    )
    check(found, [Path(clip != 0, (conv_layer(w, padding=1),)), Path(clip != 0)])


def test_through_norms_constants_and_movement() -> None:
    """Norms, offsets and movement bring no event of their own."""
    clip, w = sparse(), weights(4, 2, 3, 3)
    c4 = np.ones((1, 4), np.float32)
    nodes = [
        conv("a", "clip", groups=2),
        node(
            "bn",
            "batch_norm",
            "a",
            params=dict.fromkeys(("mean", "var", "weight", "bias"), "c4"),
            eps=0.0,
            axis=0,
        ),
        node("o", "affine", "bn", params={"bias": "b"}),
        node("p", "permute", "o", order=(2, 0, 1)),
        node("s", "slice", "p", axis=0, start=1, stop=None, step=2),
        node("r", "reshape", "s", shape=(3, 24)),
        node("i", "index", "r", axis=0, params={"places": "places"}),
        node("f", "reshape", "clip", shape=(4, 36)),
        node("g", "slice", "f", axis=1, start=0, stop=24, step=1),
        node("cat", "concat", "i", "g", axis=0),
        node("pad", "pad", "cat", mode="constant", before=(1, 0), after=(0, 0), value=0.0),
        fire("n", "pad"),
    ]
    found = run(nodes, {"w": w, "c4": c4, "b": np.float32(5), "places": np.array([2, 0, 0])}, clip)
    reached = neuron_activity(
        [Path(clip != 0, (conv_layer(w, padding=1, groups=2),))], (4, 6, 6), T, B
    )
    moved = reached.transpose(0, 1, 4, 2, 3)[:, :, 1::2].reshape(T, B, 3, 24)[:, :, [2, 0, 0]]
    side = (clip != 0).reshape(T, B, 4, 36)[..., :24]
    both = np.concatenate([np.zeros((T, B, 1, 24), bool), moved, side], axis=2)
    check(found, [Path(both)])


@pytest.mark.parametrize("mode", ["average", "max"])
def test_through_a_pool(mode: str) -> None:
    clip, w = sparse(0.03), weights(4, 2, 3, 3)
    pool = {
        "kernel": (2, 2),
        "stride": (2, 2),
        "padding": (1, 1),
        "dilation": (1, 1),
        "ceil_mode": False,
        "count_include_pad": True,
        "divisor": None,
    }
    nodes = [conv("a", "clip", groups=2), node("p", "pool", "a", mode=mode, **pool), fire("n", "p")]
    found = run(nodes, {"w": w}, clip)
    window = Conv((4, 1, 2, 2), stride=2, padding=1, groups=4)
    check(found, [Path(clip != 0, (conv_layer(w, padding=1, groups=2), window))])


def test_norms_and_sums_reach_what_they_mix() -> None:
    clip, w = sparse(0.01), weights(4, 1, 1, 1)
    own = {"padding": (0, 0), "groups": 4}
    reached = neuron_activity([Path(clip != 0)], (4, 6, 6), T, B)
    first = [conv("a", "clip", **own)]
    norm = run(
        [*first, node("y", "layer_norm", "a", axes=3, eps=1e-5), fire("n", "y")], {"w": w}, clip
    )
    check(norm, [Path(np.broadcast_to(reached.any((2, 3, 4), keepdims=True), reached.shape))])
    total = run(
        [*first, node("y", "reduce", "a", mode="sum", axes=(2,), keepdim=False), fire("n", "y")],
        {"w": w},
        clip,
    )
    check(total, [Path(reached.any(4))])
    soft = run([*first, node("y", "softmax", "a", axis=1), fire("n", "y")], {"w": w}, clip)
    check(soft, [Path(np.broadcast_to(reached.any(3, keepdims=True), reached.shape))])


def test_through_a_convolution_over_time() -> None:
    clip, w = sparse(0.03), weights(4, 2, 3, 3, 3)
    a = {"stride": (1, 1, 1), "padding": (1, 1, 1), "dilation": (1, 1, 1), "groups": 2}
    found = run(
        [node("c", "temporal_convolution", "clip", params={"weight": "w"}, **a), fire("n", "c")],
        {"w": w},
        clip,
    )
    whole = (clip != 0).transpose(1, 2, 0, 3, 4)[None]  # one "step" of (C, T, H, W) a sample
    reached = neuron_activity(
        [Path(whole, (conv_layer(w, padding=1, groups=2),))], (4, T, 6, 6), 1, B
    )
    check(found, [Path(reached[0].transpose(2, 0, 1, 3, 4))])


def test_through_a_product_of_spikes() -> None:
    clip = sparse(0.2, 4, 4)
    found = run([node("y", "matmul", "clip", "clip"), fire("n", "y")], {}, clip)
    # the product of spikes is itself discrete: it arrives where it is active
    check(found, [Path(clip @ clip != 0)])


def test_a_real_path_makes_every_neuron_active() -> None:
    clip = sparse(0.0)
    found = run([conv("c", "clip"), fire("n", "c")], {"w": weights(4, 4, 3, 3)}, clip, kind="real")
    check(found, [REAL_PATH])
    side = [
        conv("a", "clip"),
        fire("m", "a"),
        node("v", "neuron", "a", equation=LeakyIntegrator(v_decay=0.5).to_dict()),
        node("s", "add", "m", "v"),
        fire("n", "s"),
    ]
    check(run(side, {"w": weights(4, 4, 3, 3)}, clip), [REAL_PATH])


@pytest.mark.parametrize("chunk", [1, 2, 5])
@pytest.mark.parametrize("delay", [1, 2])
def test_through_recurrent_edges(chunk: int, delay: int) -> None:
    clip = sparse(0.1, 3)
    w, u = np.full((4, 3), 2, np.float32), weights(4, 4)
    nodes = [
        node("x", "linear", "clip", params={"weight": "w"}),
        node("r", "linear", Edge("n", delay), params={"weight": "u"}),
        node("s", "add", "x", "r"),
        fire("n", "s"),
    ]
    nodes = [
        n if n.name != "n" else Node(n.name, n.op, n.inputs, n.attrs, type=_spikes(4))
        for n in nodes
    ]
    found = run(nodes, {"w": w, "u": u}, clip, chunk=chunk)
    check(
        found, [Path(clip != 0, (Linear((4, 3)),)), Path(found.out != 0, (Linear((4, 4)),), delay)]
    )
    recurrent = found.run.counts.array("r", "synapse").T
    np.testing.assert_array_equal(recurrent[delay:], 4 * found.out.astype(int).sum(2)[:-delay])
    assert not recurrent[:delay].any() and recurrent.any()


def _spikes(size: int) -> Any:
    from neurosim.ir.types import integers

    return integers((size,), T, 0, 1)


def test_silence_with_a_positive_bias_fires_but_is_idle() -> None:
    clip = np.zeros((T, B, 4, 6, 6), np.float32)
    nodes = [
        node("c", "convolution", "clip", params={"weight": "w", "bias": "b"}, **ONE),
        fire("n", "c"),
    ]
    found = run(nodes, {"w": weights(4, 4, 3, 3), "b": np.full(4, 0.75, np.float32)}, clip)
    # v: 0.75, 1.125 → fires at every second step
    assert found.total("spike") == 2 * B * 4 * 36
    assert (found.total("neuron_active"), found.total("neuron_idle")) == (0, T * B * 4 * 36)
