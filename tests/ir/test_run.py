"""Rates, runs from counts, manifests."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neurosim.ir.counts import Counts
from neurosim.ir.facts import Geometry, NodeFacts
from neurosim.ir.manifest import Manifest, versions
from neurosim.ir.run import Run, Trace
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import HALF, RandomNet, clip, ran


def test_firing_rates_are_spikes_over_neuron_steps() -> None:
    run = ran(RandomNet(1).graph(), clip(1))
    assert run.graph is not None and (run.samples, run.steps) == (2, 5)
    rates = run.firing_rates()
    assert list(rates) == [n.name for n in run.graph.neurons()]
    for name, rate in rates.items():
        assert rate == pytest.approx(run.trace[name].mean(), abs=1e-12)
    every = np.concatenate([run.trace[n].ravel() for n in rates])
    assert run.mean_firing_rate() == pytest.approx(every.mean())


def test_from_counts_with_and_without_a_graph() -> None:
    table = {("n", "spike"): np.array([[3, 1]]), ("n", "neuron_idle"): np.array([[8, 8]])}
    counts = Counts(table | {("fc", "synapse"): np.array([[5, 5]])}, 1, 2)
    bare = Run.from_counts(counts)
    assert bare.firing_rates() == {"n": 0.25} and bare.synaptic_operations() == 10
    assert bare.facts["fc"].role == "opaque" and "counts alone" in bare.facts["fc"].note
    graph = built([input_node((8,), 2), node("n", "neuron", "clip", equation=HALF)], {}, 2)
    full = Run.from_counts(counts, graph)
    assert full.facts == graph.facts() and full.manifest.pipeline == ("capture",)
    assert Run.from_counts(Counts({}, 1, 1)).mean_firing_rate() == 0.0


def test_without_neuron_steps_the_facts_give_them() -> None:
    graph = built([input_node((4,), 2), node("n", "neuron", "clip", equation=HALF)], {}, 2)
    run = Run.from_counts(Counts({("n", "spike"): np.array([[2, 2], [0, 0]])}, 2, 2), graph)
    assert run.firing_rates() == {"n": 4 / (4 * 2 * 2)}


def test_a_membrane_has_no_rate() -> None:
    graph = built(
        [input_node((4,), 2), node("n", "neuron", "clip", equation=HALF, emit="v")], {}, 2
    )
    assert Run.from_counts(Counts({}, 1, 2), graph).firing_rates() == {}


def test_trace() -> None:
    trace = Trace({"n": np.ones((2, 1, 3))})
    assert "n" in trace and "m" not in trace and len(trace) == 1 and trace["n"].shape == (2, 1, 3)


def test_manifest_round_trip() -> None:
    before = Manifest(
        model="net",
        pipeline=("capture", "lower"),
        clip={"file": "a.mp4"},
        engine="auto",
        engine_by_node={"c": "event"},
        seed=3,
        window=(4, 2),
        notes=("a",),
        card={"title": "Net"},
    )
    after = Manifest.from_dict(json.loads(json.dumps(before.to_dict())) | {"of a later version": 1})
    assert after == before and after.window == (4, 2) and after.versions == versions()
    assert after.with_(seed=4).seed == 4 and before.seed == 3
    assert {"python", "numpy", "torch"} <= versions().keys()


def test_facts_round_trip() -> None:
    graph = RandomNet(2).graph()
    for facts in graph.facts().values():
        assert NodeFacts.from_dict(json.loads(json.dumps(facts.to_dict()))) == facts
    geometry = graph["conv0"].known.geometry
    assert isinstance(geometry, Geometry) and geometry.channels_in == 3
    assert graph.neurons()[0].known.neurons == graph.neurons()[0].value.size
