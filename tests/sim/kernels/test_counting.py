"""Counts of active elements against brute force."""

import itertools

import numpy as np
import pytest

from neurosim.errors import SimulationError
from neurosim.sim.kernels import coincidence, count_active


def payloads(rng, *shape):
    return (rng.integers(-3, 4, shape) * (rng.random(shape) < 0.3)).astype(np.float32)


@pytest.mark.parametrize("spatial", [(), (9,), (5, 6), (2, 3, 4)])
@pytest.mark.parametrize("groups", [1, 3])
def test_active_and_units_equal_brute_force_in_every_layout(spatial, groups):
    rng = np.random.default_rng(groups)
    x = payloads(rng, 4, 6, *spatial)
    x.reshape(-1)[0] = -0.0
    split = x.reshape(4, groups, -1, *spatial)
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    for laid in (x, last, np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1)):
        found = count_active(laid * np.float32(0.1), groups, units=True, scale=0.1)
        np.testing.assert_array_equal(found.active, (split != 0).sum(2))
        np.testing.assert_array_equal(found.units, abs(split).sum(2).astype(np.int64))
    assert found.active.dtype == np.int64
    assert count_active(x).units is None


def test_large_payloads_do_not_wrap():
    x = np.full((1, 2, 3), 2.0**31, np.float32)
    assert count_active(x, units=True).units.tolist() == [[[2**32] * 3]]


def test_coincidence_equals_the_triple_loop():
    rng = np.random.default_rng(2)
    a, b = payloads(rng, 2, 4, 5), payloads(rng, 2, 5, 3)
    pairs, units = np.zeros(2, int), np.zeros(2, int)
    for n, m, k, p in itertools.product(range(2), range(4), range(5), range(3)):
        pairs[n] += bool(a[n, m, k] and b[n, k, p])
        units[n] += int(abs(a[n, m, k] * b[n, k, p]))
    found = coincidence(a, b)
    assert found.pairs.tolist() == pairs.tolist() and found.units.tolist() == units.tolist()


def test_what_does_not_fit_is_one_line():
    with pytest.raises(SimulationError, match=r"^kernels\.count_active: [^\n]*$"):
        count_active(np.zeros((1, 4, 2), np.float32), groups=3)
    with pytest.raises(SimulationError, match=r"^kernels\.coincidence: [^\n]*$"):
        coincidence(np.zeros((1, 2, 3)), np.zeros((1, 2, 3)))
