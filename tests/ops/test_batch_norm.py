"""Batch norm in eval: torch's values, 1 multiply and 1 add an element."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from neurosim.ir.types import Kind
from tests.ops.graphs import OF_KIND, events, operate, same_counts
from tests.oracles import elementwise, other_memory


def statistics(rng: np.random.Generator, rows: int, channels: int) -> dict[str, np.ndarray]:
    shape = (rows, channels)
    return {
        "mean": rng.normal(size=shape).astype(np.float32),
        "var": rng.uniform(0.5, 2, shape).astype(np.float32),
        "weight": rng.normal(size=shape).astype(np.float32),
        "bias": rng.normal(size=shape).astype(np.float32),
    }


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("kind", list(OF_KIND))
def test_values_and_counts(axis: int, kind: str) -> None:
    rng = np.random.default_rng(axis)
    x = OF_KIND[kind](rng, 3, 2, 4, 5, 4)
    p = statistics(rng, 1, 4)
    found = operate("batch_norm", x, params=p, eps=1e-5, axis=axis)
    t = torch.from_numpy(x.n).flatten(0, 1).movedim(axis + 1, 1)
    expected = F.batch_norm(
        t, *(torch.from_numpy(p[k][0]) for k in ("mean", "var", "weight", "bias")), False, 0.0, 1e-5
    )
    np.testing.assert_allclose(
        found.out, expected.movedim(1, axis + 1).unflatten(0, (3, 2)).numpy(), rtol=1e-5, atol=1e-6
    )
    assert found.type.kind is Kind.REAL
    same_counts(found.counts, events(elementwise("batch_norm", 80), other_memory(80, 80, 8)))


def test_statistics_per_step_follow_the_chunks() -> None:
    rng = np.random.default_rng(5)
    x = OF_KIND["real"](rng, 5, 2, 3, 2)
    p = statistics(rng, 5, 3)
    expected = np.stack(
        [
            F.batch_norm(
                torch.from_numpy(x.n[t]),
                *(torch.from_numpy(p[k][t]) for k in ("mean", "var", "weight", "bias")),
                False,
                0.0,
                1e-3,
            ).numpy()
            for t in range(5)
        ]
    )
    for chunk in (1, 2, 5):
        found = operate("batch_norm", x, params=p, eps=1e-3, axis=0, per_step=True, chunk=chunk)
        np.testing.assert_allclose(found.out, expected, rtol=1e-5, atol=1e-6)
        same_counts(found.counts, events(elementwise("batch_norm", 6), other_memory(6, 6, 6)))


def test_without_learned_scale() -> None:
    rng = np.random.default_rng(6)
    x, p = OF_KIND["real"](rng, 2, 2, 3), statistics(rng, 1, 3)
    found = operate("batch_norm", x, params={"mean": p["mean"], "var": p["var"]}, eps=0.0, axis=0)
    np.testing.assert_allclose(
        found.out, (x.n - p["mean"]) / np.sqrt(p["var"]), rtol=1e-5, atol=1e-6
    )
