"""Graphs in a chip's fixed point: whole numbers, near the model, exact in both engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosim import passes
from neurosim.errors import GraphError, UnknownName
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import LIF, LeakyIntegrator, Neuron
from neurosim.ir.store import load_graph
from neurosim.passes._chip_format import LOIHI
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import average, conv, ran, same_spikes

STEPS = 20
PLIF = Neuron(integrate="difference", k=0.3, v_threshold=0.5)
SYNAPTIC = Neuron(integrate="leak_add", k=0.3, current="jump_first", i_k=0.4)


def fire(name: str, source: str | Edge, neuron: Neuron = PLIF, **params: str) -> Node:
    return node(name, "neuron", source, params=params, equation=neuron.to_dict())


def weights(rng: np.random.Generator, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Of a standard deviation that makes neurons fire; ``.b``: a bias."""
    found = {}
    for name, shape in shapes.items():
        found[f"{name}.w"] = rng.normal(0, 5 / np.prod(shape[1:]) ** 0.5, shape)
        found[f"{name}.b"] = rng.normal(0.1, 0.2, shape[0])
    return {k: v.astype(np.float32) for k, v in found.items()}


def roles(name: str, bias: bool = True) -> dict[str, str]:
    return {"weight": f"{name}.w"} | ({"bias": f"{name}.b"} if bias else {})


def network() -> Graph:
    """A residual sum, a chain of two maps, pools of both kinds, biases, a current that remembers
    and a loop: what a chip may hold."""
    rng = np.random.default_rng(0)
    params = weights(rng, a=(6, 2, 3, 3), b=(6, 6, 1, 1), c=(6, 1, 3, 3), d=(8, 6, 3, 3),
                     e=(12, 32), f=(12, 12), g=(5, 12))  # fmt: skip
    nodes = [
        input_node((2, 12, 12), STEPS),
        conv("a", "clip", roles("a"), padding=(1, 1)),
        fire("a.fire", "a"),
        conv("b", "a.fire", roles("b")),
        conv("c", "b", roles("c"), padding=(1, 1), groups=6),
        node("sum", "add", "a", "c"),
        fire("c.fire", "sum"),
        average("mean", "c.fire"),
        conv("d", "mean", roles("d", False), stride=(2, 2), padding=(1, 1)),
        fire("d.fire", "d"),
        replace(average("most", "d.fire", kernel=(2, 2), stride=(1, 1)), attrs={
            **average("most", "d.fire").attrs, "mode": "max", "stride": (1, 1)}),
        node("flat", "reshape", "most", shape=(32,)),
        node("e", "linear", "flat", params=roles("e")),
        node("f", "linear", Edge("h.fire", 1), params=roles("f", False)),
        node("loop", "add", "e", "f"),
        fire("h.fire", "loop", SYNAPTIC),
        node("g", "linear", "h.fire", params=roles("g")),
    ]  # fmt: skip
    typed = [replace(n, type=None) for n in nodes]
    loop = [n for n in typed if n.name == "h.fire"]
    known = replace(loop[0], type=built([input_node((12,), STEPS)], {}, STEPS)["clip"].value)
    return built([known if n.name == "h.fire" else n for n in typed], params, STEPS, 2, ("g",))


def spikes(seed: int, *shape: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((STEPS, 2, *shape)) < 0.3).astype(np.float32)


def test_whole_numbers_that_fit_their_registers() -> None:
    found = passes.quantize(passes.lower(network()))
    for name in ("a", "b", "d", "e", "f"):
        weight = found.params[found[name].params["weight"]]
        step = 2 * 2 ** LOIHI.exponent(np.abs(weight).max())
        np.testing.assert_array_equal(weight, np.rint(weight / step) * step)
        assert np.abs(weight / step).max() <= 127 and np.unique(weight).size > 20
    assert found["mean"].attrs["divisor"] == 1, "integers are summed, the weights know the quarter"
    for n in found.neurons():
        fixed = Neuron.from_dict(n.attrs["equation"]).fixed_point
        assert fixed is not None and fixed.threshold % 64 == 0 < fixed.threshold
        assert abs(fixed.v_decay - 0.3 * 4096) <= 0.5
    assert fixed.u_decay == round(0.4 * 4096) and "h.fire.offset" in found.by_name
    assert {n.name for n in found if "bias" in n.params} == {"g", "h.fire.offset"}


def test_numbers_are_the_models_in_the_units_of_one_scale() -> None:
    """θ, biases and weights of a layer divided by its σ are those of the model, to half a step."""
    graph = passes.lower(network())
    found = passes.quantize(graph)
    for layer, n, theta, gain in (("a", "a.fire", 0.5, 0.3), ("d", "d.fire", 0.5, 0.3),
                                  ("e", "h.fire", 1.0, 0.3)):  # fmt: skip
        real = graph.params[graph[layer].params["weight"]].astype(np.float64)
        whole = found.params[found[layer].params["weight"]].astype(np.float64)
        taken = 0.25 if layer == "d" else 1.0  # integers of the pool are four times its means
        scale = float((whole * real).sum() / (real * real).sum()) / taken
        step = 2 * 2 ** LOIHI.exponent(float(np.abs(whole).max()))
        slack = 1e-3 * np.abs(whole).max()  # σ is fitted here
        assert np.abs(whole - real * scale * taken).max() <= step / 2 + slack
        fixed = Neuron.from_dict(found[n].attrs["equation"]).fixed_point
        assert fixed is not None
        assert fixed.threshold == pytest.approx(64 * scale * theta / gain, rel=2e-3, abs=32)
    bias = graph.params[graph["a"].params["bias"]]
    real = graph.params[graph["a"].params["weight"]].astype(np.float64)
    whole = found.params[found["a"].params["weight"]].astype(np.float64)
    scale = float((whole * real).sum() / (real * real).sum())
    held = found.params[found["a.fire"].params["fixed_bias"]].reshape(-1)
    np.testing.assert_allclose(held, 64 * scale * bias, rtol=2e-3, atol=8)


def test_spikes_are_near_the_models_and_the_same_in_both_engines() -> None:
    graph, x = passes.lower(network()), spikes(0, 2, 12, 12)
    found = passes.quantize(graph)
    real, dense, event = ran(graph, x), ran(found, x), ran(found, x, "event")
    same_spikes(dense, event)
    assert not dense.counts.differences(event.counts)
    for name, trace in real.trace.values.items():
        rate, different = trace.mean(), (trace != dense.trace[name]).mean()
        assert 0.02 < rate < 0.9 and different < 0.3 * rate, (name, rate, different)


def test_nothing_wraps_whatever_fires() -> None:
    found = passes.quantize(passes.lower(network()))
    x = np.ones((STEPS, 2, 2, 12, 12), np.float32)
    names = [n.inputs[0].node for n in found.neurons()]
    from neurosim.sim.simulate import simulate

    run = simulate(found, x, "dense", record=names)
    for n in found.neurons():
        fixed = Neuron.from_dict(n.attrs["equation"]).fixed_point
        assert fixed is not None
        largest = np.abs(run.trace[n.inputs[0].node]).max() * 64 / (fixed.u_decay / 4096)
        assert 2**16 < largest < 2**23


def test_a_real_clip_is_rounded_in_front_and_its_currents_behind() -> None:
    rng = np.random.default_rng(1)
    params = weights(rng, a=(4, 3, 3, 3), d=(5, 4, 3, 3))
    nodes = [
        input_node((3, 8, 8), STEPS, "real"),
        conv("a", "clip", roles("a")),
        fire("a.fire", "a"),
        conv("d", "a.fire", roles("d")),
        fire("d.fire", "d"),
    ]
    graph = passes.lower(built(nodes, params, STEPS, 2))
    found = passes.quantize(graph)
    assert [n.op for n in found][:5] == ["input", "to_integers", "convolution", "to_integers",
                                         "neuron"]  # fmt: skip
    x = rng.normal(0, 0.7, (STEPS, 2, 3, 8, 8)).astype(np.float32)
    real, dense, event = ran(graph, x), ran(found, x), ran(found, x, "event")
    same_spikes(dense, event)
    for name, trace in real.trace.values.items():
        assert (trace != dense.trace[name]).mean() < 0.2 * trace.mean() > 0.01


def test_readouts_are_the_hosts_and_a_large_real_field_is_refused(tmp_path: Path) -> None:
    params = weights(np.random.default_rng(3), a=(9, 6), b=(4, 9))
    nodes = [
        input_node((6,), STEPS),
        node("a", "linear", "clip", params=roles("a")),
        fire("a.n", "a"),
        node("b", "linear", "a.n", params=roles("b")),
        fire("b.n", "b", LeakyIntegrator(v_decay=0.9)),
    ]
    graph = passes.lower(built(nodes, params, STEPS, 2))
    found = passes.quantize(graph)
    assert found["b.n"].attrs == graph["b.n"].attrs and "fixed_point" in str(found["a.n"].attrs)
    x = spikes(1, 6)
    real, fixed = ran(graph, x), ran(found, x)
    there, here = np.asarray(real.outputs), np.asarray(fixed.outputs)
    np.testing.assert_allclose(here, there, atol=0.2 * np.abs(there).max())
    again = load_graph(found.save(tmp_path / "fixed.npz"))
    same_spikes(fixed, ran(again, x, "event"))

    clip = [input_node((1200,), STEPS, "real"), node("w", "linear", "clip", params={"weight": "w"})]
    wide = built([*clip, fire("n", "w")], {"w": np.ones((2, 1200), np.float32)}, STEPS)
    with pytest.raises(GraphError, match="1200 pixels .* fewer clip_bits"):
        passes.quantize(wide)


def test_integers_that_drive_a_neuron_get_a_synapse() -> None:
    nodes = [input_node((4,), STEPS, "graded", 0, 7), fire("n", "clip", LIF(v_decay=0.5))]
    nodes[1] = fire("n", "clip", LIF(v_decay=0.5, v_threshold=5.0, fires=">="))
    graph = built(nodes, {}, STEPS, 2)
    found = passes.quantize(graph)
    x = np.random.default_rng(0).integers(0, 4, (STEPS, 2, 4)).astype(np.float32)
    real, fixed = ran(graph, x), ran(found, x, "event")
    assert "n.synapse" in found.by_name and real.trace["n"].any()
    assert (real.trace["n"] != fixed.trace["n"]).mean() < 0.05


def test_everything_without_a_fixed_point_is_in_one_error() -> None:
    params = weights(np.random.default_rng(0), a=(4, 6), b=(4, 4))
    nodes = [
        input_node((6,), STEPS),
        node("a", "linear", "clip", params=roles("a")),
        node("relu", "activation", "a", function="relu"),
        fire("soft", "relu", LIF(v_decay=0.5, reset="subtract")),
        node("b", "linear", "soft", params=roles("b")),
        node("abs", "activation", "b", function="abs"),
        fire("late", "abs"),
    ]
    graph = built(nodes, params, STEPS)
    with pytest.raises(GraphError, match="'soft'.*subtract.*'late'.*'abs'"):
        passes.quantize(graph)
    with pytest.raises(UnknownName, match="loihi1"):
        passes.quantize(graph, chip="loihi")
    with pytest.raises(GraphError, match="clip_bits=1"):
        passes.quantize(graph, clip_bits=1)
