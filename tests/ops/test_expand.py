"""Axes of length 1 repeated."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.graphs import OF_KIND, operate, same_counts


@pytest.mark.parametrize("kind", list(OF_KIND))
def test_values_and_kinds(kind: str) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 2, 2, 3, 1, 4)
    found = operate("expand", x, shape=(3, 5, 4))
    np.testing.assert_array_equal(found.out, np.broadcast_to(x.n, (2, 2, 3, 5, 4)))
    assert found.type.kind.value == {"masked": "real"}.get(kind, kind)
    assert found.type.masked is (kind == "masked")
    same_counts(found.counts, {})
