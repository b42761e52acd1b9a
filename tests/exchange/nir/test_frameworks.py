"""Networks of norse, snnTorch, SpikingJelly and sinabs: their NIR, imported, answers as they do."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from tests.exchange.nir.frameworks import DATA, MAKERS, answers, make, snntorch_resetting

SOURCE = {name: name.split("_")[0] for name in MAKERS}


def check(run: ns.Run, wanted: dict[str, torch.Tensor]) -> None:
    """The answer, and every layer's spikes; none of them silent."""
    assert torch.equal(run.outputs, wanted.pop("answer"))
    assert set(wanted) == set(run.firing_rates())
    for name, spikes in wanted.items():
        found = torch.from_numpy(np.asarray(run.trace.values[name])).reshape(spikes.shape)
        assert torch.equal(found.to(spikes), spikes), name
        assert spikes.any(), name


@pytest.mark.parametrize("name", MAKERS)
def test_a_recorded_file_answers_as_its_framework_did(name: str) -> None:
    stored = np.load(DATA / f"{name}.npz")
    graph = ns.from_nir(DATA / f"{name}.nir", source=SOURCE[name])
    clip = torch.from_numpy(stored["clip"])
    run = ns.simulate(graph, clip, "dense", record="spikes")
    check(run, {key: torch.from_numpy(stored[key]) for key in stored.files if key != "clip"})
    again = ns.simulate(ns.from_nir(ns.to_nir(graph)), clip, "dense", record="spikes")
    assert torch.equal(again.outputs, run.outputs)
    assert run.trace.values.keys() == again.trace.values.keys()
    assert all(np.array_equal(run.trace.values[n], again.trace.values[n]) for n in run.trace.values)


LATE = {"reset": "subtract", "reset_at": "after"}
RESETS: dict[tuple[str, bool], dict[str, Any]] = {
    ("subtract", True): LATE,
    ("subtract", False): {"reset": "subtract", "reset_at": "carried"},
    ("zero", True): {"nodes": {"1": {"reset_at": "before"}, "3": {"reset_at": "after"}}},
    ("zero", False): {},
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", RESETS, ids=str)
def test_resets_that_snntorch_does_not_export_are_said_by_the_user(mode: tuple[str, bool]) -> None:
    made = snntorch_resetting(*mode)
    graph = ns.from_nir(made.graph, source="snntorch", **RESETS[mode])
    mine, theirs = ns.simulate(graph, made.clip, "dense").outputs, answers(made)["answer"]
    assert torch.equal(mine, theirs) and 20 < theirs.sum() < 90
    other = ns.from_nir(made.graph, source="snntorch", reset="none")
    assert not torch.equal(ns.simulate(other, made.clip, "dense").outputs, theirs)


def test_an_imported_network_is_priced() -> None:
    graph = ns.from_nir(DATA / "norse.nir", source="norse")
    clip = torch.from_numpy(np.load(DATA / "norse.npz")["clip"])
    reports = ns.estimate(graph, clip, ["loihi1", "cmos_45nm"], host="cmos_45nm", rates=0.1)
    assert all(r.joules_per_video > 0 for r in reports.values())
    assert "norse" in " ".join(reports.run.manifest.notes)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_the_framework_itself_answers_as_our_import(name: str) -> None:
    if importlib.util.find_spec(SOURCE[name]) is None:
        pytest.skip(f"{SOURCE[name]} is not installed")
    made = make(name)
    graph = ns.from_nir(made.graph, **made.options)
    check(ns.simulate(graph, made.clip, record="spikes"), answers(made))
