"""Which outputs an event reaches, against torch's convolution of ones."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.sim.kernels.convolution import axes_of
from neurosim.sim.kernels.reach import reach

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@settings(deadline=None)
@given(
    rank=st.integers(1, 3), kernel=st.integers(1, 4), stride=st.integers(1, 3),
    padding=st.integers(0, 3), dilation=st.integers(1, 2), transposed=st.booleans(),
    seed=st.integers(0, 999),
)  # fmt: skip
def test_what_a_convolution_of_ones_reaches(
    rank, kernel, stride, padding, dilation, transposed, seed
):
    rng = np.random.default_rng(seed)
    sizes = tuple(int(n) for n in rng.integers(7, 10, rank))
    active = rng.integers(0, 5, (3, *sizes)) * (rng.random((3, *sizes)) < 0.1)
    none = (1,) * (3 - rank)
    axes = axes_of(
        none + sizes, none + (kernel,) * rank, rank, stride, padding, dilation, 0, transposed
    )
    run = (TRANSPOSED if transposed else CONV)[rank]
    x = torch.from_numpy((active > 0).astype(np.float32)).unsqueeze(1)
    ones = torch.ones((1, 1, *(kernel,) * rank))
    if transposed and any(axis.out < 1 for axis in axes):
        return
    expected = run(x, ones, stride=stride, padding=padding, dilation=dilation)[:, 0] > 0.5
    found = reach(active.reshape(3, *none, *sizes), axes)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected.numpy())


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_order_does_not_matter(order):
    active = np.asarray(np.random.default_rng(0).integers(0, 2, (2, 1, 6, 7)), order=order)
    axes = axes_of((1, 6, 7), (1, 3, 3), 2, 2, 1, 1, 0, False)
    np.testing.assert_array_equal(reach(active, axes), reach(active.copy("C"), axes))
