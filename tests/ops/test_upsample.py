"""Up-sampling: torch's values; nearest is movement, the others bill their taps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.ops.graphs import OF_KIND, events, operate, same_counts
from tests.oracles import kind_of, other_memory
from tests.oracles.kinds import MASKED, REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL, "masked": MASKED}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("size", [(6,), (8, 6), (5, 3), (4, 6, 3)])
def test_nearest(kind: str, size: tuple[int, ...]) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 2, 2, 2, *(4, 3, 2)[: len(size)])
    found = operate("upsample", x, mode="nearest", size=size)
    expected = F.interpolate(torch.from_numpy(x.n).flatten(0, 1), size=size).unflatten(0, (2, 2))
    np.testing.assert_array_equal(found.out, expected.numpy())
    rule = kind_of("nearest", KINDS[kind])
    assert (found.type.kind.value, found.type.masked) == (rule.kind, rule.masked)
    same_counts(found.counts, {})


@pytest.mark.parametrize(("mode", "taps"), [("bilinear", 4), ("bicubic", 16)])
@pytest.mark.parametrize("corners", [False, True])
def test_interpolation(mode: str, taps: int, corners: bool) -> None:
    x = OF_KIND["spike"](np.random.default_rng(1), 2, 2, 2, 4, 3)
    found = operate("upsample", x, mode=mode, size=(7, 5), align_corners=corners)
    expected = F.interpolate(
        torch.from_numpy(x.n).flatten(0, 1), size=(7, 5), mode=mode, align_corners=corners
    )
    np.testing.assert_allclose(
        found.out, expected.unflatten(0, (2, 2)).numpy(), rtol=1e-6, atol=1e-6
    )
    assert found.type.kind.value == kind_of("interpolate", SPIKE).kind
    work = {"add": taps * 70, "multiply": taps * 70}
    same_counts(found.counts, events(work, other_memory(24, 70)))
