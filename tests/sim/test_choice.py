"""Which engine runs a node; a run replays its own choices; the choice changes no figure."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from neurosim.errors import SimulationError
from neurosim.passes import snap_weights
from neurosim.sim import choice
from neurosim.sim.choice import chooser
from neurosim.sim.cost import Costs
from neurosim.sim.simulate import simulate
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import RandomNet, clip, conv, neuron


def wide(rate: float) -> tuple[object, np.ndarray]:
    """A 3×3 convolution of 64 channels, and a clip of that density."""
    rng = np.random.default_rng(0)
    params = {"w": (rng.integers(-4, 5, (8, 64, 3, 3)) / 4).astype(np.float32)}
    nodes = [
        input_node((64, 6, 6), 3),
        conv("c", "clip", {"weight": "w"}, padding=(1, 1)),
        neuron("n", "c"),
    ]
    return built(nodes, params, 3), (rng.random((3, 1, 64, 6, 6)) < rate).astype(np.float32)


@pytest.fixture(autouse=True)
def known_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events pay below a fifth, whatever this machine measured."""
    seconds = {"conv2/dense": {"macs": 1.0}, "conv2/event": {"adds": 2.5}}
    monkeypatch.setattr(choice, "costs", lambda threads: Costs(seconds))


def test_auto_follows_the_density() -> None:
    chosen = [simulate(*wide(rate), "auto").manifest.engine_by_node["c"] for rate in (0.02, 0.9)]
    assert chosen == ["event", "dense"]


@pytest.mark.parametrize("engine", ["dense", "event", "auto"])
def test_a_run_replays_its_choices(engine: str) -> None:
    graph, sparse = wide(0.02)
    _, busy = wide(0.9)
    first = simulate(graph, sparse, engine)
    again = simulate(graph, busy, first)
    assert again.manifest.engine_by_node == first.manifest.engine_by_node
    free = simulate(graph, busy, "dense")
    assert again.counts == free.counts
    np.testing.assert_array_equal(again.outputs, free.outputs)


def test_the_choice_changes_no_figure() -> None:
    graph = snap_weights(RandomNet(6).graph())
    runs = [
        simulate(graph, clip(6), engine, record="spikes") for engine in ("dense", "event", "auto")
    ]
    for run in runs[1:]:
        assert run.counts == runs[0].counts
        np.testing.assert_array_equal(run.outputs, runs[0].outputs)
    assert [r.manifest.engine for r in runs] == ["dense", "event", "auto"]
    assert set(runs[1].manifest.engine_by_node.values()) == {"event"}
    assert set(runs[0].manifest.engine_by_node.values()) == {"dense"}


def test_each_chunk_is_chosen_for_and_replayed() -> None:
    graph, sparse = wide(0.02)
    rows = np.concatenate([sparse, wide(0.9)[1], wide(0.9)[1]])
    run = simulate(graph, rows, "auto", chunk=3)
    assert run.manifest.engine_by_node["c"] == "event×1 dense×2"
    assert run.manifest.engine_by_node["n"] == "event"
    again = simulate(graph, rows[::-1].copy(), run, chunk=3)
    assert again.manifest.engine_by_node == run.manifest.engine_by_node
    assert run.counts == simulate(graph, rows, "dense").counts
    single = simulate(graph, rows, "auto", chunk=1)
    assert single.manifest.engine_by_node["c"] == "event"  # step by step: as the first


def test_a_choice_from_the_graph_alone() -> None:
    graph, sparse = wide(0.02)
    _, busy = wide(0.9)
    found = [simulate(graph, x, reproducible=True).manifest for x in (sparse, busy)]
    assert found[0].engine_by_node == found[1].engine_by_node


@pytest.mark.parametrize("layout", [(0, 1, 2, 3, 4), (0, 1, 3, 4, 2)])
def test_dense_layouts_count_alike(layout: tuple[int, ...]) -> None:
    graph, busy = wide(0.5)
    x = torch.from_numpy(np.ascontiguousarray(busy.transpose(layout)))
    x = x.permute(*np.argsort(layout).tolist())
    dense = simulate(graph, x, "dense")
    record = {"c": "dense_planar", "n": "event"}
    planar = simulate(graph, x, dataclasses.replace(dense, manifest=dense.manifest.with_(
        engine_by_node=record)))  # fmt: skip
    assert planar.manifest.engine_by_node == record | {"clip": "dense"} or (
        planar.manifest.engine_by_node == record
    )
    assert planar.counts == dense.counts
    np.testing.assert_array_equal(planar.outputs, dense.outputs)


def test_engines_that_do_not_exist() -> None:
    with pytest.raises(
        SimulationError, match="unknown engine 'sparse'; choose one of auto, dense, event, or a run"
    ):
        chooser("sparse", "cpu")
    with pytest.raises(
        SimulationError, match="event engine runs on the CPU, not on 'cuda'; use engine='dense'"
    ):
        chooser("event", "cuda")
    assert chooser("auto", "cuda").kernels is None  # dense throughout
    nothing = built(
        [input_node((2,), 1), node("n", "affine", "clip", params={"scale": "s"})],
        {"s": np.float32(2)},
        1,
    )
    assert chooser("auto", "cuda")(nothing["n"], ()) == "dense"


def test_bits_alone_cost_the_dense_engine_their_unpacking(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"conv2/dense": {"call": 1.0}, "conv2/event": {"call": 1.5}}
    for unpack, engines in ((0.0, ["dense", "dense"]), (1e9, ["event", "event"])):
        costs = Costs(seconds | {"unpack": {"inputs": unpack}})
        monkeypatch.setattr(choice, "costs", lambda threads, costs=costs: costs)
        graph, x = behind_a_neuron()
        monkeypatch.setattr(choice.Choice, "_usual", lambda self, node: "event")  # it emits bits
        found = [simulate(graph, x) for _ in range(2)]
        assert [run.manifest.engine_by_node["c"] for run in found] == engines
        assert found[0].counts == found[1].counts == simulate(graph, x, "dense").counts


def test_a_run_expects_what_the_one_before_it_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = Costs({"conv2/dense": {"call": 1.0}, "conv2/event": {"call": 1.5}})
    monkeypatch.setattr(choice, "costs", lambda threads: costs)
    monkeypatch.setattr(choice.Choice, "_usual", lambda self, node: "event")
    graph, x = behind_a_neuron()
    walked: list[bool] = []
    real = choice.Choice.walks
    monkeypatch.setattr(
        choice.Choice, "walks", lambda self, nodes: walked.append(real(self, nodes)) or walked[-1]
    )
    for _ in range(2):
        simulate(graph, x)
    assert walked == [True, False]  # no bits for a layer that will not read them
    del walked[:]
    for _ in range(2):
        simulate(graph, x, reproducible=True)
    assert walked == [True, True]  # from the graph alone


def behind_a_neuron() -> tuple[object, np.ndarray]:
    """A convolution that alone reads a neuron's spikes, whose channels lie side by side."""
    rng = np.random.default_rng(0)
    params = {"w": (rng.integers(-4, 5, (8, 64, 3, 3)) / 4).astype(np.float32)}
    nodes = [
        input_node((64, 1, 1), 3),
        neuron("m", "clip"),
        conv("c", "m", {"weight": "w"}, padding=(1, 1)),
        neuron("n", "c"),
    ]
    return built(nodes, params, 3), (rng.random((3, 1, 64, 1, 1)) < 0.5).astype(np.float32)
