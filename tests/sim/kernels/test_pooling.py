"""Max pooling against torch's, channels that fill no vector included."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.sim.kernels.pooling import max_pool, spans


@pytest.mark.parametrize("channels", [1, 2, 3, 12, 16, 17, 40])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "ceil"),
    [((9, 14), 2, 2, 0, False), ((7, 7), 3, 2, 1, False), ((5, 8), 3, 1, 1, False),
     ((4, 11), 2, 3, 1, True), ((6, 6), 6, 1, 0, False)],
)  # fmt: skip
def test_equals_torch(channels, size, kernel, stride, padding, ceil):
    rng = np.random.default_rng(channels)
    x = (
        rng.integers(-3, 4, (3, channels, *size)) * (rng.random((3, channels, *size)) < 0.5)
    ).astype(np.float32)
    expected = F.max_pool2d(torch.from_numpy(x), kernel, stride, padding, ceil_mode=ceil)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    axes = [
        spans(s, o, kernel, stride, padding) for s, o in zip(size, expected.shape[2:], strict=True)
    ]
    found = max_pool(last, *axes)
    np.testing.assert_array_equal(found.transpose(0, 3, 1, 2), expected.numpy())
