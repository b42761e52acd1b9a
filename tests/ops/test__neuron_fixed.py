"""Neurons in whole numbers against Python's own integers, in both engines."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import SimulationError
from neurosim.ir.fixed_point import BIAS, FixedPoint
from neurosim.ir.neuron import LIF
from tests.ops.graphs import Operand, operate

STEPS, NEURONS = 30, 24
CASES = {
    "plain": (FixedPoint(4096, 1000, 64 * 40), 100),
    "current that remembers": (FixedPoint(500, 1000, 64 * 200), 60),
    "no leak": (FixedPoint(4096, 0, 64 * 300), 100),
    "wraps and saturates": (FixedPoint(1, 0, 64 * 131071), 130_000),
}


def decayed(state: int, decay: int) -> int:
    """Toward zero."""
    kept = abs(state) * (4096 - decay) // 4096
    return kept if state >= 0 else -kept


def brute(p: FixedPoint, x: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(spikes, membranes), (steps, samples, neurons): Python integers, neuron by neuron."""
    spikes, membranes = np.zeros(x.shape), np.zeros(x.shape)
    for place in np.ndindex(*x.shape[1:]):
        u = v = 0
        for t in range(len(x)):
            u = decayed(u, p.u_decay) + int(x[(t, *place)]) * 64
            if u > 2**23:
                u -= 2**24
            elif u <= -(2**23):
                u += 2**24
            v = decayed(v, p.v_decay) + u + int(bias[place[1:]])
            v = max(min(v, 2**23 - 1), 1 - 2**23)
            if v > p.threshold:
                spikes[(t, *place)], v = 1, 0
            membranes[(t, *place)] = v
    return spikes, membranes


@pytest.mark.parametrize("name", CASES)
def test_both_engines_compute_pythons_integers(name: str) -> None:
    fixed, size = CASES[name]
    rng = np.random.default_rng(len(name))
    x = rng.integers(-size, size, (STEPS, 2, NEURONS)).astype(np.float32)
    bias = (rng.integers(-4095, 4096, NEURONS) * 2 ** rng.integers(0, 8, NEURONS)) // 64
    spikes, membranes = brute(fixed, x, bias)
    assert 0 < spikes.mean() < 1
    if name == "wraps and saturates":
        assert (np.abs(membranes) == 2**23 - 1).any()
    equation = LIF(v_decay=0.5, fixed_point=fixed).to_dict()
    for engine in ("dense", "event"):
        for chunk in (None, 7):
            how = {"params": {BIAS: bias.astype(np.float32)}, "engine": engine, "chunk": chunk}
            found = operate("neuron", Operand(x, "real"), equation=equation, **how)
            np.testing.assert_array_equal(found.out, spikes)
            assert found.total("spike") == spikes.sum()
            seen = operate("neuron", Operand(x, "real"), equation=equation, emit="v", **how)
            np.testing.assert_array_equal(seen.out, membranes)


@pytest.mark.parametrize("engine", ["dense", "event"])
@pytest.mark.parametrize("wrong", [0.5, 2.0**24, np.float32(1e30)])
def test_currents_that_are_no_exact_whole_numbers_are_refused(engine: str, wrong: float) -> None:
    x = np.zeros((3, 1, 4), np.float32)
    x[1, 0, 2] = wrong
    equation = LIF(v_decay=0.5, fixed_point=FixedPoint(4096, 0, 64)).to_dict()
    with pytest.raises(SimulationError, match="no whole number"):
        operate("neuron", Operand(x, "real"), equation=equation, engine=engine)
