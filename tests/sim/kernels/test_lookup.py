"""Pointwise layers of few channels, whose sums are looked up four channels at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.ops._bits_kernel import pack_loop
from neurosim.sim.kernels import conv, pack_weights
from neurosim.sim.kernels.convolution import has_tables
from neurosim.sim.kernels.events import BitFrames
from neurosim.sim.kernels.packing import FEW_INPUTS
from neurosim.threads import spread


def spikes(rng, samples, pixels, channels, density):
    """The same activity as numbers (N, pixels, C) and as bits."""
    x = (rng.random((samples, pixels, channels)) < density).astype(np.float32)
    words = np.empty((samples, -(-pixels * channels // 64)), np.int64)
    spread(pack_loop, samples, 0, x.reshape(samples, -1), words)
    return x, BitFrames(words, (samples, channels, 1, 1, pixels))


def run(bits, weight, bias=None, spike=1.0):
    packed = pack_weights(weight[:, :, None, None], 1, False)
    assert has_tables(packed)
    return conv(bits, packed, bias, spike=spike)[:, :, 0, 0, :].transpose(0, 2, 1)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 15, 16, 17, 24, 31, 32])
@pytest.mark.parametrize("outputs", [1, 7, 16, 17, 40, 64])
def test_whole_weights_give_exact_sums(channels, outputs):
    rng = np.random.default_rng(100 * channels + outputs)
    x, bits = spikes(rng, 3, 37, channels, 0.3)
    weight = rng.integers(-8, 9, (outputs, channels)).astype(np.float32)
    bias = rng.integers(-8, 9, outputs).astype(np.float32)
    for spike in (1.0, 0.5):
        expected = spike * (x.astype(np.float64) @ weight.T) + bias
        np.testing.assert_array_equal(run(bits, weight, bias, spike), expected)


@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])
def test_sums_are_taken_in_one_order(density):
    """Four channels, then four of those, in float32: the docstring's order, done by hand."""
    rng = np.random.default_rng(3)
    x, bits = spikes(rng, 2, 11, 20, density)
    weight = rng.standard_normal((18, 20)).astype(np.float32)
    rows = np.zeros((32, 18), np.float32)
    rows[:20] = weight.T
    expected = np.zeros((2, 11, 18), np.float32)
    for sample, pixel in np.ndindex(2, 11):
        active = np.zeros(32, bool)
        active[:20] = x[sample, pixel] > 0
        fours = []
        for first in range(0, 32, 4):
            total = np.zeros(18, np.float32)
            for k in range(first, first + 4):
                total = total + rows[k] if active[k] else total
            fours.append(total)
        for first in (0, 4):
            a, b, c, d = fours[first : first + 4]
            expected[sample, pixel] = expected[sample, pixel] + ((a + b) + (c + d))
    np.testing.assert_array_equal(run(bits, weight), expected)


def test_the_number_of_threads_changes_nothing():
    rng = np.random.default_rng(4)
    _, bits = spikes(rng, 40, 512, 16, 0.2)
    weight = rng.standard_normal((48, 16)).astype(np.float32)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(run(bits, weight))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_many_channels_and_whole_numbers_have_no_tables():
    wide = pack_weights(np.zeros((4, FEW_INPUTS + 1, 1, 1), np.float32), 1, False)
    whole = pack_weights(np.zeros((4, 8, 1, 1), np.int8), 1, False)
    assert not has_tables(wide)
    assert not has_tables(whole)
