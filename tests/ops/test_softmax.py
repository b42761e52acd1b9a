"""Softmax: torch's values, the oracle's arithmetic a row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.ir.types import Kind
from tests.ops.graphs import OF_KIND, events, operate, same_counts
from tests.oracles import other_memory, softmax


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("kind", ["real", "graded"])
def test_values_and_counts(axis: int, log: bool, kind: str) -> None:
    x = OF_KIND[kind](np.random.default_rng(axis), 2, 2, 2, 3, 4)
    found = operate("softmax", x, axis=axis, log=log)
    function = torch.log_softmax if log else torch.softmax
    np.testing.assert_allclose(
        found.out, function(torch.from_numpy(x.n), axis + 2).numpy(), rtol=1e-6
    )
    assert found.type.kind is Kind.REAL
    length = (2, 3, 4)[axis]
    same_counts(found.counts, events(softmax(24 // length, length), other_memory(24, 24)))
