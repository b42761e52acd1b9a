"""Which values may be overwritten, and that nothing else changes by it."""

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.ops.affine import Deferred
from neurosim.sim.schedule import overwritten, schedule


@pytest.fixture(scope="module")
def tiny():
    model = ns.models.load("svformer_tiny", None)
    clip = torch.randn(16, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    return ns.lower(ns.capture(model, clip)), clip


def test_only_what_one_node_reads_once(tiny):
    graph, _ = tiny
    keep = frozenset(graph.outputs)
    found = schedule(graph, keep).overwritten
    assert len(found) > 20
    for name, k in found.items():
        source = graph[graph[name].inputs[k].node]
        readers = [n.name for n in graph.nodes for e in n.inputs if e.node == source.name]
        assert readers == [name] and not source.value.discrete and source.op != "input"


def test_a_kept_value_stays(tiny):
    graph, _ = tiny
    every = frozenset(n.name for n in graph.nodes)
    assert overwritten(graph, every, schedule(graph, every).units) == {}


def test_recording_everything_records_what_a_run_without_computes(tiny):
    graph, clip = tiny
    alone, whole = ns.simulate(graph, clip), ns.simulate(graph, clip, record="all")
    assert torch.equal(alone.outputs, whole.outputs)
    for key, counted in alone.counts.table.items():
        np.testing.assert_array_equal(counted, whole.counts.table[key])


def test_the_clip_is_not_touched(tiny):
    graph, clip = tiny
    before = clip.clone()
    ns.simulate(graph, clip)
    assert torch.equal(before, clip)


def test_an_add_takes_the_affine_in_front_of_it_along(tiny, monkeypatch):
    graph, clip = tiny
    found = schedule(graph, frozenset(graph.outputs)).deferred
    assert len(found) >= 8 and all(graph[name].op == "affine" for name in found)
    alone = ns.simulate(graph, clip)
    monkeypatch.setattr(Deferred, "added", lambda self, other: None)
    assert torch.equal(alone.outputs, ns.simulate(graph, clip).outputs)


def test_what_is_put_off_is_computed_once_asked_for(tiny):
    graph, clip = tiny
    runs = [ns.simulate(graph, clip, chunk=chunk) for chunk in (16, 5, 1)]
    assert all(torch.equal(run.outputs, runs[0].outputs) for run in runs[1:])
