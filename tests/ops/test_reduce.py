"""Sum, mean and maximum over axes: torch's values, a pool's arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.graphs import OF_KIND, Operand, events, operate, same_counts
from tests.oracles import average_pool, kind_of, max_pool, other_memory
from tests.oracles.kinds import REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("axes", [(0,), (1, 2), (0, 1, 2), (2,)])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_values_kinds_and_counts(
    kind: str, axes: tuple[int, ...], keepdim: bool, mode: str
) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 2, 2, 2, 3, 4)
    found = operate("reduce", x, mode=mode, axes=axes, keepdim=keepdim)
    expected = getattr(np, mode)(x.n, tuple(a + 2 for a in axes), keepdims=keepdim)
    np.testing.assert_allclose(found.out, expected, rtol=1e-5, atol=1e-6)
    assert found.type.shape == expected.shape[2:]
    size = found.type.size
    k = 24 // size
    if mode == "max":
        rule, work = KINDS[kind], max_pool(size, k)
    else:
        rule, work = kind_of("sum", KINDS[kind], length=k), average_pool(size, k)
        work["multiply"] = size if mode == "mean" else 0
    assert found.type.kind.value == rule.kind
    if rule.kind != "real":
        assert (found.type.lo, found.type.hi) == (rule.lo, rule.hi)
        assert found.type.scale == (1 / k if mode == "mean" else 1.0)
    same_counts(found.counts, events(work, other_memory(24, size)))


def test_a_negative_scale_has_no_maximum_in_integers() -> None:
    x = OF_KIND["spike"](np.random.default_rng(1), 2, 1, 4)
    found = operate("reduce", Operand(x.n, "spike", -1.0), mode="max", axes=(0,), keepdim=True)
    assert found.type.kind.value == "real"
