"""Rounded, clamped, REAL, and counted as arithmetic."""

from __future__ import annotations

import numpy as np

from neurosim.ir.types import Kind
from tests.ops.graphs import Operand, operate, same_counts


def test_values_are_scaled_rounded_to_even_and_clamped() -> None:
    x = np.array([0.25, 0.75, -0.25, 1.26, 100.0, -100.0, 0.0, 1.25], np.float32)
    found = operate("to_integers", Operand(x[None, None], "real"), scale=2.0, lo=-7, hi=9)
    assert found.out[0, 0].tolist() == [0, 2, 0, 3, 9, -7, 0, 2]  # 0.5 → 0, 1.5 → 2, 2.5 → 2
    assert found.type.kind is Kind.REAL
    words = {"activation_read": 8, "activation_write": 8}
    same_counts(found.counts, {"multiply": 8, "special": 8, "compare": 16, **words})
