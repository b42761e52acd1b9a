"""The user's word that a value holds spikes, checked at run time."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import SimulationError
from neurosim.ir.types import Kind
from tests.ops.graphs import Operand, operate, same_counts


def test_declares_and_counts_nothing() -> None:
    n = np.array([[[0, 1, 1]]], np.float32)
    found = operate("as_spikes", Operand(n, "real"))
    assert found.type.kind is Kind.SPIKE
    np.testing.assert_array_equal(found.out, n)
    same_counts(found.counts, {})
    wide = operate("as_spikes", Operand(3 * n, "real"), lo=-1, hi=3).type
    assert (wide.kind, wide.lo, wide.hi) == (Kind.GRADED, -1, 3)


@pytest.mark.parametrize("wrong", [0.5, 2.0, -1.0])
def test_a_broken_promise_is_named(wrong: float) -> None:
    with pytest.raises(
        SimulationError, match=f"'y': as_spikes promises .* got values from .*{wrong:g}"
    ):
        operate("as_spikes", Operand(np.float32([[[wrong, 1]]]), "real"))
