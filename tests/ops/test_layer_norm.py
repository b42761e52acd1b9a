"""Layer and group norm: torch's values, 3 add + 2 multiply an element, 1 special a group."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.ir.types import Kind
from tests.ops.graphs import OF_KIND, events, operate, same_counts
from tests.oracles import elementwise, other_memory


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("kind", list(OF_KIND))
def test_layer_norm(axes: int, kind: str) -> None:
    rng = np.random.default_rng(axes)
    x = OF_KIND[kind](rng, 2, 2, 3, 4)
    shape = (3, 4)[-axes:]
    p = {k: rng.normal(size=shape).astype(np.float32) for k in ("weight", "bias")}
    found = operate("layer_norm", x, params=p, axes=axes, eps=1e-5)
    expected = F.layer_norm(
        torch.from_numpy(x.n), shape, *(torch.from_numpy(p[k]) for k in ("weight", "bias")), 1e-5
    )
    np.testing.assert_allclose(found.out, expected.numpy(), rtol=1e-4, atol=1e-5)
    assert found.type.kind is Kind.REAL
    groups, words = (3, 8) if axes == 1 else (1, 24)
    same_counts(
        found.counts, events(elementwise("layer_norm", 12, groups), other_memory(12, 12, words))
    )


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm(groups: int) -> None:
    x = OF_KIND["real"](np.random.default_rng(groups), 2, 2, 4, 3, 2)
    found = operate("layer_norm", x, groups=groups, eps=1e-5)
    expected = F.group_norm(torch.from_numpy(x.n).flatten(0, 1), groups, eps=1e-5).unflatten(
        0, (2, 2)
    )
    np.testing.assert_allclose(found.out, expected.numpy(), rtol=1e-4, atol=1e-5)
    same_counts(found.counts, events(elementwise("group_norm", 24, groups), other_memory(24, 24)))
