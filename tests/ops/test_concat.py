"""Values side by side: smallest lo, largest hi of equal scales; REAL otherwise."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.ops.graphs import OF_KIND, Operand, operate, same_counts
from tests.oracles import kind_of
from tests.oracles.kinds import MASKED, REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL, "masked": MASKED}


@pytest.mark.parametrize(("left", "right"), list(product(KINDS, KINDS)))
@pytest.mark.parametrize("axis", [0, 1])
def test_kinds_and_values(left: str, right: str, axis: int) -> None:
    rng = np.random.default_rng(0)
    a, b = (
        OF_KIND[left](rng, 3, 2, 2, 2),
        OF_KIND[right](rng, 3, 2, *((3, 2) if axis == 0 else (2, 3))),
    )
    found = operate("concat", a, b, axis=axis)
    np.testing.assert_array_equal(found.out, np.concatenate([a.n, b.n], axis + 2))
    rule = kind_of("concat", KINDS[left], KINDS[right])
    assert found.type.kind.value == rule.kind
    if rule.kind != "real":
        assert (found.type.lo, found.type.hi) == (rule.lo, rule.hi)
    same_counts(found.counts, {})


def test_different_scales_are_real_and_clip_values_repeat() -> None:
    rng = np.random.default_rng(1)
    a, b = OF_KIND["spike"](rng, 3, 2, 2), OF_KIND["spike"](rng, 3, 2, 2)
    assert operate("concat", a, Operand(b.n, "spike", 2.0), axis=0).type.kind.value == "real"
    found = operate("concat", Operand(a.n, "spike", clip=True), b, axis=0)
    np.testing.assert_array_equal(found.out, np.concatenate([np.repeat(a.n[:1], 3, 0), b.n], 2))
