"""Another shape, same order."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import GraphError
from tests.ops.graphs import OF_KIND, operate, same_counts


@pytest.mark.parametrize("kind", list(OF_KIND))
@pytest.mark.parametrize("shape", [(24,), (2, 12), (6, 4), (2, 3, 2, 2), (1, 24, 1)])
def test_values_and_kinds(kind: str, shape: tuple[int, ...]) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 2, 3, 2, 3, 4)
    found = operate("reshape", x, shape=shape)
    np.testing.assert_array_equal(found.out, x.n.reshape(2, 3, *shape))
    assert found.type.shape == shape and found.type.masked is (kind == "masked")
    assert found.type.kind.value == {"masked": "real"}.get(kind, kind)
    same_counts(found.counts, {})


def test_another_number_of_elements_is_named() -> None:
    with pytest.raises(GraphError, match="'y': cannot reshape"):
        operate("reshape", OF_KIND["spike"](np.random.default_rng(0), 1, 1, 4), shape=(3,))
