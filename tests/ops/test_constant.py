"""A constant of the model as an operand: REAL, and nothing is billed where it stands."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import SimulationError
from neurosim.ir.types import Kind
from neurosim.sim.simulate import simulate
from tests.ops.graphs import built, input_node, node, spikes


def test_meets_every_step_and_sample() -> None:
    x = spikes(np.random.default_rng(0), 3, 2, 4)
    table = np.float32([1, 0, 1, 2])
    graph = built(
        [
            input_node((4,), 3),
            node("c", "constant", params={"value": "c"}),
            node("y", "add", "clip", "c"),
        ],
        {"c": table},
        3,
        2,
    )
    assert graph["c"].value.kind is Kind.REAL and graph["c"].value.steps is None
    for chunk in (1, 3):
        run = simulate(graph, x.n, "dense", chunk=chunk, record=["y"])
        np.testing.assert_array_equal(run.trace["y"], x.n + table)
        assert not any(a.any() for n, _, a in run.counts if n == "c")
        assert run.counts.get("y", "add") == 4 * 3 * 2


def test_a_constant_brings_no_event() -> None:
    graph = built(
        [
            input_node((4,), 2),
            node("c", "constant", params={"value": "c"}),
            node("a", "add", "clip", "c"),
            node("y", "neuron", "a", equation={"fires": ">=", "v_threshold": 0.5}),
        ],
        {"c": np.ones(4, np.float32)},
        2,
    )
    run = simulate(graph, np.zeros((2, 1, 4), np.float32), "dense")
    assert (
        run.counts.total("spike"),
        run.counts.total("neuron_active"),
        run.counts.total("neuron_idle"),
    ) == (8, 0, 8)


def test_one_value_a_step_needs_an_operand_to_follow() -> None:
    graph = built(
        [
            input_node((4,), 2),
            node("c", "constant", params={"value": "c"}, per_step=True),
            node("y", "add", "clip", "c"),
        ],
        {"c": np.ones((2, 4), np.float32)},
        2,
    )
    assert graph["c"].value.steps == 2
    with pytest.raises(SimulationError, match="'c'"):
        simulate(graph, np.zeros((2, 1, 4), np.float32), "dense")
