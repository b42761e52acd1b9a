"""How many elements are active along one axis, straight from memory: one pass, no mask, no copy."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from neurosim.ops._layout import by_stride
from neurosim.threads import run_ranges

SMALL = 4_000_000  # elements: below, waking a thread beside torch's costs more than it saves


def sum_axis(data: Tensor, axis: int, scale: float | None, nonzero: bool) -> np.ndarray | None:
    """Along ``axis`` of float32 data on the CPU: elements ≠ 0 where ``scale`` is None; else with
    data = scale · n the sum of |n|, or how many n ≠ 0 where ``nonzero``. int64, the axis removed.

    None: the data do not fill their memory (a view with gaps or repeats).
    """
    order = by_stride(data)
    laid = data.permute(order)
    if not laid.is_contiguous():
        return None
    at = order.index(axis)
    sizes = [data.shape[a] for a in order]
    outer, length, inner = math.prod(sizes[:at]), sizes[at], math.prod(sizes[at + 1 :])
    flat = laid.numpy().reshape(outer, length, inner)
    found = _counted(flat) if scale is None else _units(flat, scale, nonzero)
    left = [a for a in order if a != axis]
    shaped = found.reshape([data.shape[a] for a in left])
    return shaped.transpose([left.index(a) for a in sorted(left)])


def _counted(flat: np.ndarray) -> np.ndarray:
    from neurosim.ops._sum_kernel import active_last, active_middle

    outer, _, inner = flat.shape
    found = np.empty((outer, inner), np.int32)
    rows, counts = flat.reshape(outer, -1), found.reshape(-1)

    def kernel(first: int, last: int) -> None:
        if inner == 1:
            active_last(first, last, rows, counts)
        else:
            active_middle(first, last, flat, found)

    run_ranges(kernel, outer, flat.size, torch.get_num_threads(), SMALL)
    return found.astype(np.int64)


def _units(flat: np.ndarray, scale: float, nonzero: bool) -> np.ndarray:
    from neurosim.ops._sum_kernel import units_last, units_middle

    outer, _, inner = flat.shape
    found = np.empty((outer, inner), np.int32)
    rows, counts, by = flat.reshape(outer, -1), found.reshape(-1), np.float32(scale)

    def kernel(first: int, last: int) -> None:
        if inner == 1:
            units_last(first, last, rows, by, nonzero, counts)
        else:
            units_middle(first, last, flat, by, nonzero, found)

    run_ranges(kernel, outer, flat.size, torch.get_num_threads(), SMALL)
    return found.astype(np.int64)
