"""Sums along one axis, straight from memory, are torch's on the same integers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from neurosim.ops._sums import sum_axis, true_elements

SHAPES = [(2, 3, 5), (1, 2, 64), (3, 1, 17, 4), (2, 2, 16, 3, 5), (4, 2, 6, 16, 33), (1, 1, 1)]


def payloads(shape: tuple[int, ...], order: tuple[int, ...]) -> torch.Tensor:
    """Integers from -2 to 2, the axes in this memory order."""
    numbers = torch.randint(-2, 3, shape, generator=torch.Generator().manual_seed(0))
    back = [order.index(a) for a in range(len(order))]
    return numbers.float().permute(order).contiguous().permute(back)


@pytest.mark.parametrize("shape", SHAPES)
def test_in_any_memory_order_along_any_axis(shape: tuple[int, ...]) -> None:
    orders = list(itertools.permutations(range(len(shape))))
    for order in orders[:: max(1, len(orders) // 24)]:
        n = payloads(shape, order)
        for axis in range(len(shape)):
            for scale in (None, 1.0, 0.3, 0.25):
                data = n if scale is None else n * scale
                active = sum_axis(data, axis, scale, True)
                np.testing.assert_array_equal(active, (n != 0).sum(axis))
                assert active is not None and active.dtype == np.int64
                if scale is not None:
                    units = sum_axis(data, axis, scale, False)
                    np.testing.assert_array_equal(units, n.abs().sum(axis))


def test_a_rounding_beside_zero_is_no_event_where_n_is_asked_for() -> None:
    data = torch.tensor([[[1e-8, 0.3]]])
    assert sum_axis(data, 2, 0.3, True).tolist() == [[1]]  # type: ignore[union-attr]
    assert sum_axis(data, 2, None, True).tolist() == [[2]]  # type: ignore[union-attr]


def test_memory_with_gaps_or_repeats_is_left_to_torch() -> None:
    whole = torch.ones(2, 3, 8)
    assert sum_axis(whole[..., ::2], 2, None, True) is None
    assert sum_axis(torch.ones(2, 3, 1).expand(2, 3, 5), 2, None, True) is None


@pytest.mark.parametrize("shape", [(1,), (2, 3), (4,), (6, 5), (8, 3), (16, 17), (1000,), ()])
def test_booleans_that_are_set(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(shape))
    for density in (0.0, 0.3, 1.0):
        mask = rng.random((3, 2, *shape)) < density
        found = true_elements(torch.from_numpy(mask))
        np.testing.assert_array_equal(found, mask.reshape(3, 2, -1).sum(2))
        assert found.dtype == np.int64
