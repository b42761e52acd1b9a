"""One harness for every library: its own spikes and membranes against the recognised equation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from neurosim.capture.recognise import Recognised, find
from neurosim.ops._neuron_scan import trace

Drive = Callable[
    [Any, Tensor], tuple[Tensor, Tensor | None]
]  # module, x (T, B, N) → spikes, membranes


def check(make: Callable[[], Any], drive: Drive, exact_membrane: bool = True) -> Recognised:
    """Spikes (and membranes) of the library equal the equation's: 50 random steps, a grid with
    ties, and threshold."""
    known = find(make())
    assert known is not None
    noise = torch.Generator().manual_seed(7)
    smooth = torch.randn(50, 2, 40, generator=noise) * 2
    grid = torch.randint(-4, 9, (50, 2, 40), generator=noise) / 4
    with torch.no_grad():
        for x in (smooth, grid, smooth * 0 - 1, around_threshold(known)):
            compare(known, x, *drive(make(), x), exact_membrane)
    return known


def compare(
    known: Recognised, x: Tensor, spikes: Tensor, membrane: Tensor | None, exact: bool
) -> None:
    out, v, _ = trace(known.equation, known.arrays, x)
    assert torch.equal(out, spikes)
    if membrane is not None and exact:
        assert torch.equal(v, membrane)
    if known.equation.fires != "never" and x.max() > 0:
        assert 0 < float(out.sum()) < out.numel() * 8  # the comparison is not between two silences


def around_threshold(known: Recognised) -> Tensor:
    """Inputs (3, 1, n) whose membranes hit the threshold and one float below and above it in step 1
    (2 if delayed)."""
    n = known.equation
    if n.fires == "never" or known.arrays:
        return torch.full((3, 1, 40), 4.0)
    silent = replace(
        n, fires="never", reset="none", output="v", max_spikes=1, v_min=None, reset_at="now"
    )
    at = 2 if n.current == "delayed" else 1
    first = torch.rand(400, generator=torch.Generator().manual_seed(1)) * 0.4 - 0.3

    def membrane(x: Tensor) -> Tensor:
        steps = torch.stack([first.repeat(len(x) // len(first)), x, torch.zeros_like(x)])
        return trace(silent, {}, steps[:, None])[1][at, 0]

    theta = np.float32(n.v_threshold)
    low, high = torch.full_like(first, -8), torch.full_like(first, 64)
    for _ in range(64):  # bisect the inputs that reach the threshold
        middle = (low + high) / 2
        below = membrane(middle) < float(theta)
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    x = (
        (high.view(torch.int32) + torch.arange(-9, 10, dtype=torch.int32)[:, None])
        .flatten()
        .view(torch.float32)
    )
    wanted = {
        float(theta),
        float(np.nextafter(theta, np.float32(-9))),
        float(np.nextafter(theta, np.float32(9))),
    }
    assert wanted <= set(membrane(x).tolist())
    return torch.stack([first.repeat(len(x) // len(first)), x, torch.zeros_like(x)])[:, None]


@pytest.fixture
def same_as_library() -> Callable[..., Recognised]:
    """``check(make, drive)``."""
    return check
