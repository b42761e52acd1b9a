"""Event-driven linear layers and matrix products against torch's."""

import numpy as np
import pytest
import torch

from neurosim.errors import SimulationError
from neurosim.sim.kernels import linear, matmul, pack_weights


def grid(rng, *shape):
    return rng.integers(-256, 257, shape).astype(np.float32) / 256


def spikes(rng, *shape, density=0.2):
    return (rng.random(shape) < density).astype(np.float32)


@pytest.mark.parametrize("shape", [(7,), (3, 40), (2, 5, 3, 130), (0, 9)])
@pytest.mark.parametrize("outputs", [1, 16, 100])
def test_linear_is_bit_equal_on_grid_weights(shape, outputs):
    rng = np.random.default_rng(outputs)
    x, weight, bias = spikes(rng, *shape), grid(rng, outputs, shape[-1]), grid(rng, outputs)
    expected = torch.nn.functional.linear(*(torch.from_numpy(v) for v in (x, weight, bias))).numpy()
    np.testing.assert_array_equal(linear(x, weight, bias, spike=1.0), expected)
    np.testing.assert_array_equal(linear(x * 3, pack_weights(weight)), (expected - bias) * 3)


@pytest.mark.parametrize("sparse", ["left", "right", "auto"])
def test_matmul_is_bit_equal_on_integers(sparse):
    for seed in range(15):
        rng = np.random.default_rng(seed)
        n, m, k, p = (int(v) for v in rng.integers(1, 40, 4))
        a = spikes(rng, n, m, k) * rng.integers(-2, 3, (n, m, k)).astype(np.float32)
        b = spikes(rng, n, k, p, density=0.5) * rng.integers(1, 9, (n, k, p)).astype(np.float32)
        if seed % 2:  # operands as attention hands them over: transposed views
            a, b = (np.ascontiguousarray(v.swapaxes(1, 2)).swapaxes(1, 2) for v in (a, b))
        np.testing.assert_array_equal(matmul(a, b, sparse), a @ b)


def test_matmul_of_spikes_and_reals():
    rng = np.random.default_rng(3)
    a, b = spikes(rng, 2, 30, 50), grid(rng, 2, 50, 70)
    np.testing.assert_array_equal(matmul(a, b, "left", spike=1.0), a @ b)


@pytest.mark.parametrize(
    "call",
    [
        lambda: linear(np.zeros((2, 3), np.float32), np.zeros((4, 5), np.float32)),
        lambda: matmul(np.zeros((2, 3, 4)), np.zeros((2, 5, 3))),
        lambda: matmul(np.zeros((2, 3, 4)), np.zeros((2, 4, 3)), sparse="both"),
    ],
)
def test_what_does_not_fit_is_one_line(call):
    with pytest.raises(SimulationError, match=r"^kernels\.(linear|matmul): [^\n]*$"):
        call()
