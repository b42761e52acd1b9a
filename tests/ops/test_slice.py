"""Part of one axis."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.graphs import OF_KIND, operate, same_counts


@pytest.mark.parametrize("kind", list(OF_KIND))
@pytest.mark.parametrize("part", [(0, 2, 1), (1, None, 1), (0, 100, 2), (-3, -1, 1)])
@pytest.mark.parametrize("axis", [0, 1])
def test_values_and_kinds(kind: str, part: tuple[int, int, int], axis: int) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 2, 2, 4, 5)
    start, stop, step = part
    found = operate("slice", x, axis=axis, start=start, stop=stop, step=step)
    places = (slice(None),) * (axis + 2) + (slice(start, stop, step),)
    np.testing.assert_array_equal(found.out, x.n[places])
    assert found.type.shape == found.out.shape[2:]
    assert found.type.kind.value == {"masked": "real"}.get(kind, kind)
    same_counts(found.counts, {})
