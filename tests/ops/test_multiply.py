"""Element-wise products: kinds of section 2, and the multiplications that happen."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.ops.graphs import OF_KIND, Operand, operate, same_counts
from tests.oracles import kind_of, other_memory
from tests.oracles.kinds import REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL}


@pytest.mark.parametrize(("left", "right"), list(product(KINDS, KINDS)))
def test_kinds_values_and_counts(left: str, right: str) -> None:
    rng = np.random.default_rng(0)
    a, b = OF_KIND[left](rng, 3, 2, 2, 4), OF_KIND[right](rng, 3, 2, 2, 4)
    found = operate("multiply", a, b)
    np.testing.assert_array_equal(found.out, a.n * b.n)
    rule = kind_of("multiply", KINDS[left], KINDS[right])
    assert (found.type.kind.value, found.type.masked) == (rule.kind, rule.masked)
    if rule.kind != "real":
        assert (found.type.lo, found.type.hi) == (rule.lo, rule.hi)
    happens = np.ones(a.n.shape, bool)
    for x in (a, b):
        happens &= (x.n != 0) | (x.kind == "real")
    same_counts(found.counts, other_memory(16, 8) | {"multiply": happens.sum((2, 3))})


def test_spikes_of_unequal_shapes_are_graded() -> None:
    rng = np.random.default_rng(1)
    a, b = OF_KIND["spike"](rng, 2, 2, 3, 4), OF_KIND["spike"](rng, 2, 2, 3, 1)
    found = operate("multiply", a, b)
    assert (
        found.type.kind.value
        == kind_of("multiply", SPIKE, SPIKE, equal_shapes=False).kind
        == "graded"
    )
    assert found.total("multiply") == int((a.n * b.n).sum())


def test_scales_multiply_and_a_masked_real_is_counted_as_one() -> None:
    rng = np.random.default_rng(2)
    a, b = OF_KIND["spike"](rng, 2, 2, 3), OF_KIND["graded"](rng, 2, 2, 3)
    found = operate("multiply", Operand(a.n, "spike", 0.5), Operand(b.n, "graded", 4.0, (-3, 3)))
    assert (found.type.kind.value, found.type.scale) == ("graded", 2.0)
    masked = OF_KIND["masked"](rng, 2, 2, 3)
    weights = operate("linear", masked, params={"weight": np.ones((5, 3), np.float32)})
    np.testing.assert_array_equal(weights.counts["masked_mac"], 5 * np.count_nonzero(masked.n, 2))
