"""``simulate``: windows, bins, records, replays, and one clear line for what cannot be run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from neurosim.errors import ClipError, SimulationError
from neurosim.ir import counts as counts_module
from neurosim.ir.graph import Graph
from neurosim.ir.neuron import LIF
from neurosim.sim import simulate as room
from neurosim.sim.simulate import simulate
from tests.ops.graphs import built, input_node, node

HALF = LIF(v_decay=0.5, v_threshold=1.0, fires=">=").to_dict()
T, B = 12, 3


def small(kind: str = "spike", steps: int = T, extra: Any = ()) -> Graph:
    rng = np.random.default_rng(0)
    nodes = [
        input_node((6,), steps, kind),
        node("fc", "linear", "clip", params={"weight": "w"}),
        node("n", "neuron", "fc", equation=HALF),
        *extra,
    ]
    return built(nodes, {"w": (rng.integers(-2, 5, (4, 6)) / 4).astype(np.float32)}, steps, B)


def clip(steps: int = T, samples: int = B, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((steps, samples, 6)) < 0.4).astype(np.float32)


@pytest.mark.parametrize(("window", "hop"), [(4, None), (4, 2), (5, 3), (12, 12)])
def test_windows_are_samples_with_fresh_state(window: int, hop: int | None) -> None:
    x = clip()
    run = simulate(small(), x, "dense", window=window, hop=hop)
    starts = range(0, T - window + 1, hop or window)
    assert (run.samples, run.steps) == (B * len(starts), window)
    assert run.manifest.window == (window, hop or window)
    for b in range(B):
        for k, start in enumerate(starts):
            alone = simulate(small(), x[start : start + window, b : b + 1], "dense").counts
            for name, event, array in alone:
                np.testing.assert_array_equal(
                    run.counts.array(name, event)[b * len(starts) + k], array[0]
                )


@pytest.mark.parametrize("budget", [1, 800, 3_000, 10**9])
def test_binned_counts_keep_their_totals(budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate(small(), clip(), "dense").counts
    build = counts_module.CountsBuilder
    monkeypatch.setattr(room, "CountsBuilder", lambda s, t, pairs: build(s, t, pairs, budget))
    run = simulate(small(), clip(), "dense", chunk=5)
    assert {(n, e): int(a.sum()) for n, e, a in run.counts} == {
        (n, e): int(a.sum()) for n, e, a in whole
    }
    per_bin = run.counts.steps_per_bin
    assert (per_bin > 1) is (budget < 10**9) and ("a bin" in run.manifest.binned) is (per_bin > 1)
    if not run.counts.samples_summed:
        spikes = whole.array("n", "spike")
        bins = np.add.reduceat(spikes, np.arange(0, T, per_bin), axis=1)
        np.testing.assert_array_equal(run.counts.array("n", "spike"), bins)
    else:
        squares = (whole.array("n", "spike").sum(1) ** 2).sum()
        assert run.counts.squares["n", "spike"] == squares and "summed" in run.manifest.binned


def test_records() -> None:
    graph, x = small(), clip()
    assert len(simulate(graph, x, "dense").trace) == 0
    run = simulate(graph, x, "dense", record="spikes", chunk=5)
    assert list(run.trace.values) == ["n"] and run.trace["n"].dtype == np.uint8
    assert run.trace["n"].sum() == run.counts.total("spike") > 0
    np.testing.assert_array_equal(simulate(graph, x, "dense", record=["clip"]).trace["clip"], x)
    assert set(simulate(graph, x, "dense", record="all").trace.values) == {"clip", "fc", "n"}
    with pytest.raises(SimulationError, match="record: no node called nothing"):
        simulate(graph, x, "dense", record=["n", "nothing"])


@pytest.mark.parametrize("engine", ["dense", "event", "auto"])
def test_a_run_can_be_replayed(engine: str) -> None:
    graph, x = small(), clip()
    run = simulate(graph, x, engine, record="spikes")
    again = simulate(graph, x, run, record="spikes")
    assert again.manifest.engine_by_node == run.manifest.engine_by_node
    assert again.counts == run.counts
    np.testing.assert_array_equal(again.trace["n"], run.trace["n"])


def test_tensors_arrays_and_outputs_are_the_models_own() -> None:
    graph, x = small(), clip()
    a, b = simulate(graph, x, "dense"), simulate(graph, torch.from_numpy(x), "dense")
    assert a.counts == b.counts and isinstance(a.outputs, torch.Tensor)
    assert tuple(a.outputs.shape) == (T, B, 4) and torch.equal(a.outputs, b.outputs)
    strided = np.ascontiguousarray(x.transpose(2, 1, 0)).transpose(2, 1, 0)
    assert simulate(graph, strided, "dense").counts == a.counts


def test_counts_scale_with_samples_and_repeat() -> None:
    one = simulate(small(), clip(samples=1), "dense").counts
    many = simulate(small(), np.repeat(clip(samples=1), 4, 1), "dense").counts
    assert all(many.total(e) == 4 * one.total(e) for e in one.events())


WRONG = [
    (np.zeros((T, B, 5), np.float32), "the clip's frames are 5, the graph was captured for 6"),
    (np.full((T, B, 6), 0.5, np.float32), "declared spike .0..1. but holds values from 0.5 to 0.5"),
    (np.full((T, B, 6), 2, np.float32), "declared spike"),
    ([[1.0]], "the clip is a list"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_wrong_clips_are_one_line(case: int) -> None:
    given, what = WRONG[case]
    with pytest.raises(ClipError, match=what) as error:
        simulate(small(), given, "dense")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_located(bad: float) -> None:
    x = clip()
    x[7, 2, 3] = bad
    with pytest.raises(ClipError, match="NaN or infinity, first at step 7, sample 2"):
        simulate(small("real"), x, "dense")


def test_too_few_axes() -> None:
    graph = small()
    graph = graph.with_nodes(graph.nodes, meta={"input_layout": ["T", "B", "X"]})
    with pytest.raises(ClipError, match="the clip has 2 axes, the graph was captured with 3"):
        simulate(graph, np.zeros((T, B), np.float32), "dense")


def test_unknown_engines_and_short_clips() -> None:
    with pytest.raises(
        SimulationError, match="unknown engine 'fast'; choose one of auto, dense, event"
    ):
        simulate(small(), clip(), "fast")
    with pytest.raises(SimulationError, match="event engine runs on the CPU, not on 'meta'"):
        simulate(small(), clip(), "event", device="meta")
    with pytest.raises(ClipError, match="12 steps, fewer than one window of 13"):
        simulate(small(), clip(), "dense", window=13)


def test_other_lengths_run_unless_an_operator_needs_every_step() -> None:
    longer = simulate(small(), clip(30), "dense")
    assert (
        longer.counts.get("n", "neuron_active") + longer.counts.get("n", "neuron_idle")
        == 30 * B * 4
    )
    first = simulate(small(), clip(30)[:T], "dense").counts
    np.testing.assert_array_equal(
        longer.counts.array("n", "spike")[:, :T], first.array("n", "spike")
    )
    for op, attrs in (
        ("time_to_axis", {"axis": 0}),
        ("time_reduce", {"mode": "at", "step": 3}),
        ("temporal_convolution", {"stride": (2,), "padding": (1,), "dilation": (1,), "groups": 1}),
    ):
        params = {"weight": "w3"} if op == "temporal_convolution" else {}
        base = small()
        graph = built(
            [*base.nodes, node("whole", op, "n", params=params, **attrs)],
            {**base.params, "w3": np.ones((2, 4, 3), np.float32)},
            T,
            B,
        )
        with pytest.raises(
            SimulationError,
            match=f"'whole' .{op}.: needs exactly the 12 steps.*got 30; pass window=12",
        ):
            simulate(graph, clip(30), "dense")
        assert simulate(graph, clip(30), "dense", window=T).samples == 2 * B


def test_parameters_a_step_need_their_steps() -> None:
    base = small()
    graph = built(
        [*base.nodes, node("s", "affine", "n", params={"scale": "s"}, per_step=True)],
        {**base.params, "s": np.ones((T, 4), np.float32)},
        T,
        B,
    )
    with pytest.raises(SimulationError, match="'s' .affine."):
        simulate(graph, clip(30), "dense")


def test_the_memory_budget_sets_the_chunk() -> None:
    run = simulate(small(), clip(), "dense", memory_budget=1)
    assert run.manifest.chunk_steps == 1
    assert run.counts == simulate(small(), clip(), "dense").counts
    assert simulate(small(), clip(), "dense").manifest.chunk_steps == T


def test_nothing_to_run_is_an_error() -> None:
    for steps, samples in ((0, 2), (3, 0)):
        with pytest.raises(ClipError, match=f"the clip has {steps} steps and {samples} samples"):
            simulate(small(), np.zeros((steps, samples, 6), np.float32), "dense")
    for bad in (
        {"window": 0},
        {"window": 4, "hop": 0},
        {"window": 4, "hop": -1},
        {"chunk": 0},
        {"chunk": -2},
    ):
        with pytest.raises(SimulationError, match="give 1 step or more"):
            simulate(small(), clip(), "dense", **bad)
    for budget in (0, -1):
        with pytest.raises(SimulationError, match="give 1 byte or more"):
            simulate(small(), clip(), "dense", memory_budget=budget)


def test_a_device_that_is_not_there_is_one_line():
    nodes = [input_node((2,), 3), node("r", "reshape", "clip", shape=(2,))]
    graph = built(nodes, {}, 3)
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SimulationError, match="device 'cuda' is not available"):
        simulate(graph, torch.zeros(3, 1, 2), "dense", device="cuda")
    with pytest.raises(SimulationError, match="hop=2 without a window"):
        simulate(graph, torch.zeros(3, 1, 2), "dense", hop=2)
