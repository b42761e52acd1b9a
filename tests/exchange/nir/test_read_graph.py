"""Random NIR graphs, imported, against NIR's own equations in torch, and their way out and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.exchange.nir import for_clip
from tests.exchange.nir.graphs import layer, program
from tests.exchange.nir.reference import DT, RandomGraph, Reference

SEEDS = st.integers(0, 2**32 - 1)
QUIET: Any = list(HealthCheck)
FEW = settings(max_examples=10, deadline=None, suppress_health_check=QUIET)
MANY = settings(max_examples=100, deadline=None, suppress_health_check=QUIET)


def check_import(seed: int) -> None:
    made = RandomGraph(seed)
    clip = made.clip()
    graph = ns.from_nir(made.graph(), dt=DT)
    run = ns.simulate(graph, clip, "dense", record="all")
    wanted = Reference(made.graph()).run(clip)
    assert torch.equal(run.outputs, wanted)


def check_round_trip(seed: int, folder: Path) -> None:
    made = RandomGraph(seed)
    clip = made.clip()
    first = ns.from_nir(made.graph(), dt=DT)
    ns.to_nir(first, folder / "a.nir")
    second = ns.from_nir(folder / "a.nir")
    a, b = (ns.simulate(g, clip, "dense", record="spikes") for g in (first, second))
    assert torch.equal(a.outputs, b.outputs)
    assert a.trace.values.keys() == b.trace.values.keys()
    assert all(np.array_equal(a.trace.values[n], b.trace.values[n]) for n in a.trace.values)
    assert {k: v.tolist() for k, v in a.counts.table.items()} == {
        k: v.tolist() for k, v in b.counts.table.items()
    }


@FEW
@given(SEEDS)
def test_random_graphs_answer_as_their_equations_say(seed: int) -> None:
    check_import(seed)


@FEW
@given(SEEDS)
def test_random_graphs_come_back_with_their_spikes_and_counts(tmp_path: Path, seed: int) -> None:
    check_round_trip(seed, tmp_path)


@pytest.mark.slow
@MANY
@given(SEEDS)
def test_many_random_graphs(tmp_path: Path, seed: int) -> None:
    check_import(seed)
    check_round_trip(seed, tmp_path)


def test_a_file_and_its_object_are_the_same_graph(tmp_path: Path) -> None:
    made = RandomGraph(7).graph()
    nir.write(tmp_path / "a.nir", made)
    of_file, of_object = ns.from_nir(tmp_path / "a.nir", dt=DT), ns.from_nir(made, dt=DT)
    assert {n.name for n in of_file} == {n.name for n in of_object}
    clip = RandomGraph(7).clip()
    a, b = (ns.simulate(g, clip, "dense").outputs for g in (of_file, of_object))
    assert torch.equal(a, b)


def test_what_is_no_nir_graph_is_refused() -> None:
    for wrong in (3, None, nir.Linear(np.eye(2)), {"nodes": {}}):
        with pytest.raises(ns.NeurosimError, match="NIRGraph"):
            ns.from_nir(wrong)
    hole = program(("input", nir.Input(np.array([2]))), ("flatten", None))
    with pytest.raises(ns.NeurosimError, match="at 'flatten': None; the exporter had no NIR node"):
        ns.from_nir(hole)


def test_dt_may_stand_in_the_metadata() -> None:
    made = layer(nir.LIF(*[np.ones(3)] * 4))
    made.metadata["dt"] = 0.25
    assert ns.from_nir(made)["it"].attrs["equation"]["k"] == 0.25
    assert ns.from_nir(made, dt=0.5)["it"].attrs["equation"]["k"] == 0.5


def test_a_clip_makes_the_graph_its_own() -> None:
    graph = ns.from_nir(RandomGraph(3).graph(), dt=DT)
    clip = RandomGraph(3).clip(steps=5, samples=3)
    mine = for_clip(graph, clip, "real")
    assert (mine.steps, mine.samples) == (5, 3)
    per_step = {n: m / graph.steps / graph.samples for n, m in graph.dense_macs().items()}
    assert mine.dense_macs() == {n: int(m * 15) for n, m in per_step.items()}
    spikes = for_clip(graph, (clip > 0).float(), "spike")
    assert spikes.inputs[0].value.kind.value == "spike"
