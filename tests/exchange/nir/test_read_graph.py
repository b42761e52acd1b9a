"""Random NIR graphs, imported, against NIR's own equations in torch, and their way out and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neurosim as ns
from tests.exchange.nir.reference import DT, RandomGraph, Reference

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


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
def test_random_graphs_keep_spikes_and_counts_on_the_way_out_and_back(
    tmp_path_factory: object, seed: int
) -> None:
    check_round_trip(seed, tmp_path_factory.mktemp("nir"))  # type: ignore[attr-defined]
