"""int8 weights: the sums of Python's integers, and the same bits as the float32 kernels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.errors import SimulationError
from neurosim.sim.event import on_grid
from neurosim.sim.kernels import conv, linear, pack_weights

RNG = np.random.default_rng(3)


def weights(*shape: int) -> np.ndarray:
    return RNG.integers(-128, 128, shape).astype(np.int8)


def spikes(*shape: int, density: float = 0.3) -> np.ndarray:
    return (RNG.random(shape) < density).astype(np.float32)


def exact(x: np.ndarray, weight: np.ndarray, **how: object) -> np.ndarray:
    """torch in float64, where every such sum is exact."""
    found = F.conv2d(torch.from_numpy(x).double(), torch.from_numpy(weight).double(), **how)  # type: ignore[arg-type]
    return found.numpy().astype(np.int64)


@pytest.mark.parametrize("outputs", [10, 16, 40, 64, 80])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("last", [False, True])
def test_whole_sums(outputs: int, groups: int, last: bool) -> None:
    x, weight = spikes(2, 34, 7, 9), weights(outputs, 34 // groups, 3, 3)
    bias = RNG.integers(-(2**30), 2**30, outputs).astype(np.int32)
    if last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    packed = pack_weights(weight, groups)
    found = conv(x, packed, bias, stride=2, padding=1, spike=1.0)
    assert found.dtype == np.int32 and packed.integer
    expected = exact(x, weight, stride=2, padding=1, groups=groups)
    np.testing.assert_array_equal(found, expected + bias[:, None, None])


def test_more_events_than_int16_can_add() -> None:
    """Every weight −128, every input active: past 2^15 after 256 rows."""
    x, weight = np.ones((1, 600, 5, 5), np.float32), np.full((16, 600, 3, 3), -128, np.int8)
    found = conv(x, weight, padding=1, spike=1.0)
    np.testing.assert_array_equal(found, exact(x, weight, padding=1))
    assert found.min() == -128 * 600 * 9


def test_whole_payloads() -> None:
    x = RNG.integers(-9, 10, (2, 20, 6, 6)).astype(np.float32) * spikes(2, 20, 6, 6)
    weight = weights(24, 20, 3, 3)
    np.testing.assert_array_equal(conv(x, weight), exact(x, weight))
    with pytest.raises(SimulationError, match="whole payloads"):
        conv(x / 2, weight)
    with pytest.raises(SimulationError, match="may pass int32"):
        conv(x * 1e6, weight)


def test_single_channels() -> None:
    x, weight = spikes(2, 12, 8, 8), weights(12, 1, 5, 5)
    bias = np.arange(12, dtype=np.int32)
    found = conv(x, weight, bias, padding=2, groups=12, spike=1.0)
    assert found.dtype == np.int32
    expected = exact(x, weight, padding=2, groups=12) + bias[:, None, None]
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(SimulationError, match="2\\^24"):
        conv(x * 1e5, weight, groups=12)


def test_the_same_bits_as_float32() -> None:
    x, weight, step = spikes(3, 40, 6, 6), weights(70, 40, 3, 3), 2.0**-9
    weight[weight == -128] = 0
    bias = RNG.standard_normal(70).astype(np.float32)
    real = (weight * step).astype(np.float32)
    for spike in (1.0, 0.3):
        floats = conv(x, real, bias, padding=1, spike=spike)
        whole = conv(x, pack_weights(weight), bias, padding=1, spike=spike, scale=spike * step)
        assert whole.dtype == np.float32
        np.testing.assert_array_equal(whole, floats)
    rows = x.reshape(-1, 36)
    flat, matrix = weight.reshape(70, -1)[:, :36], real.reshape(70, -1)[:, :36]
    np.testing.assert_array_equal(linear(rows, pack_weights(flat.copy()), bias, 1.0, step),
                                  linear(rows, matrix.copy(), bias, 1.0))  # fmt: skip


@pytest.mark.parametrize(("values", "step"), [
    ([1.0, -127.0, 0.0], 1.0), ([0.5, 0.25], 2.0**-7), ([1.5, 0.001], None), ([0.0], None),
    ([128.0, 1.0], None), ([128.0, 2.0], 2.0), ([np.inf], None), ([-128.0], 2.0),
])  # fmt: skip
def test_grids(values: list[float], step: float | None) -> None:
    weight = np.array([values], np.float32)
    found = on_grid(weight)
    assert (None if found is None else found[1]) == step
    if found is not None:
        np.testing.assert_array_equal(found[0] * np.float32(found[1]), weight)
