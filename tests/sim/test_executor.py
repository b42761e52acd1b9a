"""The executor: the same figures in any chunks, and the values of the plain interpreter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import LIF
from neurosim.ir.types import integers
from neurosim.ops._interpret import interpret
from neurosim.sim.simulate import simulate
from tests.ops.graphs import built, input_node, node

T, B = 10, 2
HALF = LIF(v_decay=0.5, v_threshold=1.0, fires=">=").to_dict()
CONV = {
    "stride": (1, 1),
    "padding": (1, 1),
    "dilation": (1, 1),
    "groups": 1,
    "transposed": False,
    "output_padding": (0, 0),
}


def numbers(seed: int, *shape: int) -> np.ndarray:
    """Multiples of 1/8: sums in any order are exact."""
    return (np.random.default_rng(seed).integers(-4, 6, shape) / 8).astype(np.float32)


def feed_forward() -> Graph:
    """conv, norm per step, neuron, pool, linear, neuron, mean and maximum over the steps."""
    per_step = dict.fromkeys(("mean", "bias"), "zeros") | dict.fromkeys(("var", "weight"), "ramp")
    nodes = [
        input_node((2, 6, 6), T),
        node("c", "convolution", "clip", params={"weight": "w", "bias": "b"}, **CONV),
        node("bn", "batch_norm", "c", params=per_step, eps=0.0, axis=0, per_step=True),
        node("n1", "neuron", "bn", equation=HALF),
        node(
            "p",
            "pool",
            "n1",
            mode="average",
            kernel=(2, 2),
            stride=(2, 2),
            padding=(0, 0),
            dilation=(1, 1),
            ceil_mode=False,
            count_include_pad=True,
            divisor=None,
        ),
        node("flat", "reshape", "p", shape=(36,)),
        node("fc", "linear", "flat", params={"weight": "w2"}),
        node("n2", "neuron", "fc", equation=HALF),
        node("mean", "time_reduce", "n2", mode="mean"),
        node("back", "add", "n2", "mean"),
        node("last", "time_reduce", "back", mode="max"),
    ]
    params = {
        "w": numbers(0, 4, 2, 3, 3),
        "b": numbers(1, 4),
        "w2": numbers(2, 8, 36),
        "zeros": np.zeros((T, 4), np.float32),
        "ramp": np.full((T, 4), 4, np.float32),
    }
    return built(nodes, params, T, B, ("last", "n2", "mean"))


def recurrent() -> Graph:
    """Two neurons in a loop of delays 1 and 3 (one starts from a value), a delayed shortcut."""
    spikes = integers((5,), T, 0, 1)
    nodes = [
        input_node((2, 6, 6), T),
        node("flat", "reshape", "clip", shape=(72,)),
        node("x", "linear", "flat", params={"weight": "w"}),
        node("r", "linear", Edge("n2", 3), params={"weight": "u"}),
        node("s", "add", "x", "r"),
        Node("n1", "neuron", (Edge("s"),), {"equation": HALF}, type=spikes),
        node("q", "linear", Edge("n1", 1, "first"), params={"weight": "u"}),
        node("s2", "add", "q", "x"),
        Node("n2", "neuron", (Edge("s2"),), {"equation": HALF}, type=spikes),
        node("late", "add", Edge("n1", 4), "n2"),
        node("head", "linear", "late", params={"weight": "u"}),
    ]
    params = {"w": numbers(3, 5, 72), "u": numbers(4, 5, 5), "first": np.ones(5, np.float32)}
    return built(nodes, params, T, B, ("head", "n1"))


def clipwise() -> Graph:
    """A convolution over time, spikes, attention over all steps, and steps again."""
    nodes = [
        input_node((2, 6, 6), T),
        node(
            "c",
            "temporal_convolution",
            "clip",
            params={"weight": "w"},
            stride=(1, 2, 2),
            padding=(1, 1, 1),
            dilation=(1, 1, 1),
            groups=1,
        ),
        node("n1", "neuron", "c", equation=HALF),
        node("flat", "reshape", "n1", shape=(36,)),
        node("all", "time_to_axis", "flat", axis=0),
        node("t", "permute", "all", order=(1, 0)),
        node("kv", "matmul", "t", "all"),
        node("y", "matmul", "all", "kv"),
        node("steps", "axis_to_time", "y", axis=0),
        node("small", "affine", "steps", params={"scale": "s"}),
        node("n2", "neuron", "small", equation=HALF),
    ]
    return built(nodes, {"w": numbers(5, 4, 2, 3, 3, 3), "s": np.array(1 / 64, np.float32)}, T, B)


GRAPHS: list[Callable[[], Graph]] = [feed_forward, recurrent, clipwise]


def clip(seed: int = 0, steps: int = T) -> np.ndarray:
    return (np.random.default_rng(seed).random((steps, B, 2, 6, 6)) < 0.2).astype(np.float32)


@pytest.mark.parametrize("make", GRAPHS)
@pytest.mark.parametrize("engine", ["dense", "event", "auto"])
def test_chunks_change_nothing_and_values_are_the_interpreters(
    make: Callable[[], Graph], engine: str
) -> None:
    graph, x = make(), clip()
    expected, _ = interpret(graph, torch.from_numpy(x))
    whole = simulate(graph, x, "dense", chunk=T, record="all")
    assert any(whole.counts.total(e) for e in ("synapse", "graded_synapse"))
    assert all(0 < r < 1 for r in whole.firing_rates().values())
    for chunk in (1, 2, 5, T):
        run = simulate(graph, x, engine, chunk=chunk, record="all")
        assert not run.counts.differences(whole.counts)
        for n in graph.nodes:
            found = expected[n.name] if n.value.steps is not None else expected[n.name][0]
            np.testing.assert_array_equal(
                run.trace[n.name], found.numpy(), err_msg=f"{n.name}, chunk {chunk}"
            )


def test_samples_do_not_meet() -> None:
    x = clip()
    for make in GRAPHS:
        both = simulate(make(), x, "dense").counts
        for b in range(B):
            alone = simulate(make(), x[:, b : b + 1], "dense").counts
            for name, event, array in alone:
                np.testing.assert_array_equal(
                    array[0], both.array(name, event)[b], err_msg=f"{name} {event}"
                )


def test_active_and_idle_are_all_neuron_steps() -> None:
    for make in GRAPHS:
        graph = make()
        counts = simulate(graph, clip(), "dense").counts
        for n in graph.neurons():
            assert (
                counts.get(n.name, "neuron_active") + counts.get(n.name, "neuron_idle")
                == n.value.size * T * B
            )


def test_silence_costs_only_idle_neuron_steps() -> None:
    """An empty clip causes no event; only what was held before step 0 speaks."""
    graph = recurrent()
    quiet = simulate(graph, np.zeros((T, B, 2, 6, 6), np.float32), "dense").counts
    assert quiet.get("x", "synapse") == quiet.get("x", "weight_read") == 0
    # the recurrent edge alone brought spikes before step 0
    assert quiet.get("q", "synapse") == 5 * 5 * B + 5 * quiet.get("n1", "spike") - _last(
        quiet.array("n1", "spike")
    )


def _last(spikes: np.ndarray) -> int:
    """5 targets of the spikes of the last step, which no step reads."""
    return 5 * int(spikes[:, -1].sum())


def test_more_output_steps_than_the_clip_count_in_the_last() -> None:
    nodes = [
        input_node((3,), 4),
        node(
            "c",
            "temporal_convolution",
            "clip",
            params={"weight": "w"},
            stride=(1,),
            padding=(2,),
            dilation=(1,),
            groups=1,
        ),
        node("n", "neuron", "c", equation=HALF),
    ]
    graph = built(nodes, {"w": np.ones((2, 3, 3), np.float32)}, 4, 1)
    counts = simulate(graph, np.ones((4, 1, 3), np.float32), "dense").counts
    both = counts.array("n", "neuron_active") + counts.array("n", "neuron_idle")
    assert graph["n"].value.steps == 6 and both.tolist() == [[2, 2, 2, 2 * 3]]
