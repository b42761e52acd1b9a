"""Strips of outputs: torch's sums on grid weights, and the same bits as pixel by pixel."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.sim.kernels import conv, masked, pack_weights

LAYERS = [  # channels, size, kernel, padding
    (64, (16, 16), 5, 2), (32, (9, 14), 5, 0), (16, (5, 8), 3, 1), (48, (8, 23), 7, 3),
    (16, (4, 10), 3, 0), (16, (7, 10), 7, 6), (32, (3, 40), 3, 2), (16, (31,), 5, 2),
    (16, (3, 4, 12), 3, 1), (32, (6, 7), 3, 1), (16, (3, 14), 5, 2), (32, (4, 28), 7, 3),
    (16, (4, 15), 3, 1),
    (224, (5, 14), 5, 2), (240, (6, 17), 5, 0), (576, (3, 14), 3, 1),  # weights that fill a cache
]  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_strips(monkeypatch, layer, last):
    channels, size, kernel, padding = layer
    rng, rank = np.random.default_rng(channels + sum(size)), len(size)
    x = (rng.random((3, channels, *size)) < 0.2).astype(np.float32)
    grid = rng.integers(-8, 9, (channels, 1, *(kernel,) * rank)).astype(np.float32) / 8
    free, bias = (
        rng.standard_normal(grid.shape).astype(np.float32),
        grid.reshape(channels, -1)[:, 0],
    )
    given = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if last else x

    def run(weight):
        packed = pack_weights(weight, channels)
        return conv(given, packed, bias, padding=padding, groups=channels, spike=1.0)

    torch_conv = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[rank]
    expected = torch_conv(
        *(torch.from_numpy(a) for a in (x, grid, bias)), padding=padding, groups=channels
    )
    in_strips = []
    plain = masked._in_strips
    monkeypatch.setattr(masked, "_in_strips", lambda x: in_strips.append(plain(x)) or plain(x))
    np.testing.assert_array_equal(run(grid), expected.numpy())
    strips = run(free)
    assert all(in_strips) and in_strips
    monkeypatch.setattr(masked, "PAST_CACHE", 1)
    np.testing.assert_array_equal(strips, run(free))
    monkeypatch.setattr(masked, "_in_strips", lambda x: False)
    np.testing.assert_array_equal(strips, run(free))


@pytest.mark.parametrize(("stride", "dilation", "padding"), [
    ((2, 1), (1, 1), (1, 2)), ((4, 1), (1, 1), (0, 0)),
    ((1, 1), (3, 1), (3, 2)), ((3, 1), (2, 1), (6, 1)),
])  # fmt: skip
@pytest.mark.parametrize("threads", [1, 2])
def test_lines_far_apart_are_packed_on_the_way(stride, dilation, padding, threads):
    rng = np.random.default_rng(sum(stride) + sum(dilation))
    x = (rng.random((9, 48, 40, 24)) < 0.1).astype(np.float32)
    weight = rng.integers(-8, 9, (48, 1, 3, 5)).astype(np.float32) / 8
    given = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    found = conv(given, weight, stride=stride, padding=padding, dilation=dilation, groups=48,
                 spike=1.0)  # fmt: skip
    torch.set_num_threads(before)
    expected = F.conv2d(*(torch.from_numpy(a) for a in (x, weight)), None, stride, padding,
                        dilation, 48)  # fmt: skip
    np.testing.assert_array_equal(found, expected.numpy())
