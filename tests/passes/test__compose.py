"""Two convolutions as one against torch's two."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.passes._compose import Map, composable, compose


def random_map(rng: np.random.Generator, c_in: int, c_out: int, groups: int, pad: int = 0) -> Map:
    k, s, d = (tuple(int(v) for v in rng.integers(1, top, 2)) for top in (4, 3, 3))
    return Map(rng.normal(size=(c_out, c_in // groups, *k)), s, (pad, pad), d, groups)


def run(x: torch.Tensor, m: Map) -> torch.Tensor:
    return F.conv2d(x, torch.from_numpy(m.weight), None, m.stride, m.padding, m.dilation, m.groups)


@pytest.mark.parametrize("seed", range(20))
def test_equals_one_after_the_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    g1, g2 = int(rng.choice([1, 2, 4])), int(rng.choice([1, 2, 4]))
    first = random_map(rng, 4, 8, g1, pad=int(rng.integers(0, 3)))
    second = random_map(rng, 8, 4, g2)
    x = torch.from_numpy(rng.normal(size=(2, 4, 17, 19)))
    both = compose(first, second)
    assert composable(first, second, (17, 19), tuple(run(x, first).shape[2:]))
    expected = run(run(x, first), second)
    torch.testing.assert_close(run(x, both), expected, rtol=1e-10, atol=1e-10)
    assert both.groups == np.gcd(g1, g2)


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "size", "exact"),
    [
        (1, 1, 0, 8, True),
        (2, 2, 0, 8, True),
        (2, 2, 0, 9, False),
        (3, 3, 0, 9, True),
        (3, 1, 0, 8, False),
        (3, 1, 1, 8, False),
        (2, 2, 1, 8, True),
        (1, 2, 0, 8, True),
        (1, 2, 0, 9, True),
    ],
)
def test_where_the_second_pads(kernel: int, stride: int, pad: int, size: int, exact: bool) -> None:
    """Exact just where torch agrees, for all kernels (random numbers agree by no accident)."""
    rng = np.random.default_rng(0)
    first = Map(rng.normal(size=(2, 2, kernel, kernel)), (stride,) * 2, (pad,) * 2, (1, 1), 1)
    second = Map(rng.normal(size=(2, 2, 3, 3)), (1, 1), (1, 1), (1, 1), 1)
    x = torch.from_numpy(rng.normal(size=(1, 2, size, size)))
    middle = run(x, first)
    expected, found = run(middle, second), run(x, compose(first, second))
    same = expected.shape == found.shape and bool(torch.allclose(expected, found, atol=1e-9))
    assert composable(first, second, (size, size), tuple(middle.shape[2:])) is exact is same
