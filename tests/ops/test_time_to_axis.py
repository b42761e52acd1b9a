"""The steps become an axis of the shape."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.graphs import OF_KIND, operate, same_counts


@pytest.mark.parametrize("kind", list(OF_KIND))
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_values_and_kinds(kind: str, axis: int, chunk: int) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 3, 2, 4, 5)
    found = operate("time_to_axis", x, axis=axis, chunk=chunk)
    np.testing.assert_array_equal(found.out, np.moveaxis(x.n, 0, axis + 1))
    assert found.type.steps is None and found.type.shape == found.out.shape[1:]
    assert found.type.kind.value == {"masked": "real"}.get(kind, kind)
    assert found.type.masked is (kind == "masked")
    same_counts(found.counts, {})
