"""``as_spikes``: a declaration inside a model, kept and checked."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import neurosim as ns
from neurosim.capture.capture import capture
from neurosim.errors import ModelError, SimulationError
from neurosim.sim.simulate import simulate
from tests.capture.checking import Model, captured

CLIP = torch.rand(3, 2, 6)


def test_the_declaration_decides_the_kind():
    model = Model(lambda s, x: s.m[0](ns.as_spikes(torch.round(x))), nn.Linear(6, 4))
    graph = captured(model, CLIP)
    assert [n.value.kind.value for n in graph if n.op == "as_spikes"] == ["spike"]
    assert simulate(graph, CLIP, "dense").counts.total("synapse") == int(CLIP.round().sum()) * 4


def test_a_range_makes_it_graded():
    model = Model(lambda s, x: s.m[0](ns.as_spikes(torch.round(3 * x), 0, 3)), nn.Linear(6, 4))
    graph = captured(model, CLIP)
    run = simulate(graph, CLIP, "dense")
    assert run.counts.total("graded_unit") == int((3 * CLIP).round().sum()) * 4


def test_outside_a_capture_it_is_the_identity_and_checks():
    x = torch.tensor([0.0, 1.0])
    assert ns.as_spikes(x) is x
    with pytest.raises(ModelError, match=r"integers in \[0, 1\], got values from 0 to 0.5"):
        ns.as_spikes(x / 2)


def test_a_false_promise_is_found_at_capture_and_at_run_time():
    model = Model(lambda s, x: ns.as_spikes(x * 1.0))
    with pytest.raises(ModelError, match="as_spikes: promises"):
        capture(model, CLIP)
    graph = capture(model, CLIP.round())
    with pytest.raises(SimulationError, match="as_spikes promises"):
        simulate(graph, CLIP, "dense")
