"""A comparison makes spikes: 1 compare an element."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.ir.types import Kind
from neurosim.ops.compare import RELATIONS
from tests.ops.graphs import OF_KIND, Operand, operate, same_counts
from tests.oracles import other_memory


@pytest.mark.parametrize("relation", list(RELATIONS))
@pytest.mark.parametrize("kind", list(OF_KIND))
def test_values_at_and_around_the_threshold(relation: str, kind: str) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 3, 2, 8)
    found = operate("compare", x, relation=relation, threshold=0.0)
    assert found.type.kind is Kind.SPIKE and found.type.scale == 1.0
    np.testing.assert_array_equal(found.out, RELATIONS[relation](x.n, 0.0))
    same_counts(found.counts, other_memory(8, 8) | {"compare": 8})


def test_thresholds_that_are_values_or_constants() -> None:
    rng = np.random.default_rng(1)
    a, b = OF_KIND["real"](rng, 2, 2, 3, 4), OF_KIND["real"](rng, 2, 2, 3, 4)
    found = operate("compare", a, b, relation=">")
    np.testing.assert_array_equal(found.out, a.n > b.n)
    same_counts(found.counts, other_memory(24, 12) | {"compare": 12})
    levels = np.linspace(-1, 1, 4, dtype=np.float32)
    found = operate("compare", a, relation=">=", params={"threshold": levels})
    np.testing.assert_array_equal(found.out, a.n >= levels)


def test_its_spikes_are_events_downstream() -> None:
    x = Operand(np.float32([[[0.5, -1, 2]]]), "real")
    found = operate("compare", x, relation=">", threshold=0.0)
    assert found.out.tolist() == [[[1, 0, 1]]] and found.out.dtype == np.uint8
