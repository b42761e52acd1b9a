"""Norms move up through reshapes and permutes that keep their channel axis whole."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import passes
from neurosim.ir.graph import Edge, Graph
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import body, clip, conv, neuron, norm, norm_params, ran, same_spikes


def graph(*after: object, outputs: tuple[str, ...] = ("n",), axis: int = 0) -> Graph:
    rng = np.random.default_rng(0)
    params = {"w": np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)} | norm_params(rng, "bn", 3, 5)
    nodes = [input_node((3, 8, 8), 5), conv("c", "clip", {"weight": "w"})]
    nodes += [node("flat", "reshape", "c", shape=(3, 64)), norm("bn", "flat", 0, True), *after]
    return built(nodes, params, 5, 2, outputs)


def test_printed_before_and_after() -> None:
    before = graph(node("back", "reshape", "bn", shape=(3, 8, 8)), neuron("n", "back"))
    after = passes.hoist_norms(before)
    assert [(n.name, *map(str, n.inputs)) for n in after] == [
        ("clip",), ("c", "clip"), ("bn", "c"), ("flat", "bn"), ("back", "flat"), ("n", "back"),
    ]  # fmt: skip
    roles = "<bias=bn.bias, mean=bn.mean, var=bn.var, weight=bn.weight>"
    old = f"  %bn = batch_norm(%flat) {{axis=0, eps=1e-05, per_step=True}} {roles} : real[T5; 3x64]"
    new = f"  %bn = batch_norm(%c) {{axis=0, eps=1e-05, per_step=True}} {roles} : real[T5; 3x8x8]"
    assert old in str(before) and new in str(after)
    assert body(passes.hoist_norms(after)) == body(after)
    same_spikes(ran(before, clip()), ran(after, clip()))
    assert not ran(before, clip()).counts.differences(ran(after, clip()).counts)


def test_through_a_permute_the_axis_is_renamed() -> None:
    rng = np.random.default_rng(1)
    nodes = [
        input_node((4, 3), 5),
        node("turn", "permute", "clip", order=(1, 0)),
        norm("bn", "turn"),
        neuron("n", "bn"),
    ]
    before = built(nodes, norm_params(rng, "bn", 3), 5, 2)
    after = passes.hoist_norms(before)
    assert after["bn"].attrs["axis"] == 1 and after["bn"].value.shape == (4, 3)
    same_spikes(ran(before, clip(shape=(4, 3))), ran(after, clip(shape=(4, 3))))


def test_an_output_stays_the_same_value() -> None:
    before = graph(outputs=("bn",))
    after = passes.hoist_norms(before)
    assert after.outputs == ("flat",)
    np.testing.assert_array_equal(ran(after, clip()).outputs, ran(before, clip()).outputs)


def test_two_norms_over_one_reshape() -> None:
    """The second moves by the shape that is there once the first has moved."""
    rng = np.random.default_rng(0)
    nodes = [
        input_node((2, 3, 4), 5),
        node("flat", "reshape", "clip", shape=(6, 4)),
        norm("a", "flat", 1),
    ]
    nodes += [norm("b", "a", 1), neuron("n", "b")]
    before = built(nodes, norm_params(rng, "a", 4) | norm_params(rng, "b", 4), 5, 2)
    after = passes.hoist_norms(before)
    assert [n.name for n in after] == ["clip", "a", "b", "flat", "n"]
    assert after["b"].attrs["axis"] == after["a"].attrs["axis"] == 2
    same_spikes(ran(before, clip(shape=(2, 3, 4))), ran(after, clip(shape=(2, 3, 4))))


@pytest.mark.parametrize("reason", ["another reader", "output", "delayed", "axis split"])
def test_what_stays(reason: str) -> None:
    neurons = [neuron("n", "bn")]
    if reason == "another reader":
        before = graph(*neurons, neuron("m", "flat"), outputs=("n", "m"))
    elif reason == "output":
        before = graph(*neurons, outputs=("n", "flat"))
    elif reason == "delayed":
        base = graph(*neurons)
        nodes = [n if n.name != "bn" else norm("bn", "flat", 0, True) for n in base.nodes]
        late = [
            n if n.name != "bn" else type(n)(n.name, n.op, (Edge("flat", 1),), n.attrs, n.params)
            for n in nodes
        ]
        before = built(late, base.params, 5, 2, ("n",))
    else:
        rng = np.random.default_rng(0)
        nodes = [
            input_node((3, 8), 5),
            node("flat", "reshape", "clip", shape=(24,)),
            norm("bn", "flat"),
            *neurons,
        ]
        before = built(nodes, norm_params(rng, "bn", 24), 5, 2)
    assert body(passes.hoist_norms(before)) == body(before)
