"""A plan survives its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim import passes
from neurosim.exchange.lava.from_graph import plan_of
from neurosim.exchange.lava.network import prepared
from neurosim.exchange.lava.plan import Plan, aligned
from tests.exchange.lava.networks import residual


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    plan = plan_of(prepared(passes.quantize(residual(6).graph)))
    again = Plan.load(plan.save(tmp_path / "plan.npz"))
    assert (again.fixed, again.steps) == (True, 6)
    assert aligned(again)[1] == aligned(plan)[1]
    for before, after in zip(plan.units, again.units, strict=True):
        assert (before.name, before.kind, before.shape) == (after.name, after.kind, after.shape)
        assert before.inputs == after.inputs and set(before.arrays) == set(after.arrays)
        for role, array in before.arrays.items():
            np.testing.assert_array_equal(after.arrays[role], array)
    for name, order in plan.neurons.items():
        np.testing.assert_array_equal(again.neurons[name], order)
    assert set(again.sources) == set(plan.sources)
