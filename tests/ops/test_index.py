"""Elements of one axis by a list of places: a gather, a flip, a repeat."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.graphs import OF_KIND, operate, same_counts


@pytest.mark.parametrize("kind", list(OF_KIND))
@pytest.mark.parametrize("places", [[2, 1, 0], [0, 0, 2, 2], [1]])
@pytest.mark.parametrize("axis", [0, 1])
def test_values_and_kinds(kind: str, places: list[int], axis: int) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 2, 2, 3, 4)
    found = operate("index", x, axis=axis, params={"places": np.array(places)})
    np.testing.assert_array_equal(found.out, x.n.take(places, axis + 2))
    assert found.type.kind.value == {"masked": "real"}.get(kind, kind)
    same_counts(found.counts, {})
