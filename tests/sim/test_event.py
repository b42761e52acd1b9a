"""The compiled kernels as operators see them: equal to the dense path on what they are given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.ir.types import ValueType, integers
from neurosim.ops import get
from neurosim.ops._value import Call, Value
from neurosim.passes import snap_weights
from neurosim.sim.event import EventKernels, spike_value
from neurosim.sim.simulate import prepare, simulate
from tests.ops.graphs import same_counts
from tests.passes.networks import RandomNet, clip


@pytest.mark.parametrize("seed", range(5))
def test_given_the_same_inputs_counts_are_equal(seed: int) -> None:
    """Real weights: fed with the dense engine's values, every node counts alike."""
    graph = RandomNet(seed).graph()
    run = simulate(graph, clip(seed), "dense", record="all")
    params, kernels = prepare(graph, "cpu"), EventKernels()
    values = {
        n.name: Value(torch.from_numpy(run.trace[n.name].astype(np.float32)), n.value)
        for n in graph
    }
    for n in graph.nodes:
        if n.op == "input":
            continue
        inputs = tuple(values[e.node] for e in n.inputs)
        calls = [
            Call(n, inputs, params[n.name], {}, 0, engine, kernels) for engine in ("dense", "event")
        ]
        outs = [Value(get(n.op).run(call), n.value) for call in calls]
        counts = [dict(get(n.op).count(call, out)) for call, out in zip(calls, outs, strict=True)]
        same_counts(counts[1], counts[0])
        torch.testing.assert_close(outs[1].data, outs[0].data, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_free_run_on_a_grid_is_bit_equal(seed: int) -> None:
    graph = snap_weights(RandomNet(seed).graph())
    dense, event = (simulate(graph, clip(seed), e, record="all") for e in ("dense", "event"))
    assert dense.counts == event.counts
    for name, value in dense.trace.values.items():
        np.testing.assert_array_equal(event.trace[name], value, err_msg=name)


def test_spike_value() -> None:
    assert spike_value(integers((2,), 1, 0, 1, 0.25)) == 0.25
    assert spike_value(integers((2,), 1, 0, 1, np.array([1.0, 2.0]))) is None
    assert spike_value(integers((2,), 1, 0, 2)) is None and spike_value(ValueType((2,), 1)) is None
