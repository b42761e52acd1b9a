"""How many elements are active along one axis, straight from memory: one pass, no mask, no copy."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from neurosim.ops._layout import by_stride
from neurosim.threads import spread

ONES = {width: int.from_bytes(b"\1" * width, "little") for width in (2, 4, 8)}


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


def sum_slices(data: Tensor, scale: float | None, nonzero: bool) -> np.ndarray | None:
    """The same over each slice of (steps, samples, *shape): int64 (steps, samples)."""
    order = by_stride(data)
    laid = data.permute(order)
    if not laid.is_contiguous() or {*order[:2]} != {0, 1}:
        return None
    flat = laid.numpy().reshape(data.shape[0] * data.shape[1], -1, 1)
    found = (_counted(flat) if scale is None else _units(flat, scale, nonzero))[:, 0]
    return found.reshape(laid.shape[:2]).transpose(order[:2])


def _counted(flat: np.ndarray) -> np.ndarray:
    from neurosim.ops._sum_kernel import active_last_loop, active_middle_loop

    outer, _, inner = flat.shape
    found = np.empty((outer, inner), np.int32)
    if inner == 1:
        rows, counts = flat.reshape(outer, -1), found.reshape(-1)
        spread(active_last_loop, outer, flat.size, rows, counts)
    else:
        spread(active_middle_loop, outer, flat.size, flat, found)
    return found.astype(np.int64)


def _units(flat: np.ndarray, scale: float, nonzero: bool) -> np.ndarray:
    from neurosim.ops._sum_kernel import units_last_loop, units_middle_loop

    outer, _, inner = flat.shape
    found = np.empty((outer, inner), np.int32)
    by = np.float32(scale)
    if inner == 1:
        rows, counts = flat.reshape(outer, -1), found.reshape(-1)
        spread(units_last_loop, outer, flat.size, rows, by, nonzero, counts)
    else:
        spread(units_middle_loop, outer, flat.size, flat, by, nonzero, found)
    return found.astype(np.int64)


def true_elements(mask: Tensor) -> np.ndarray:
    """How many booleans (steps, samples, *shape) on the CPU are set: int64 (steps, samples)."""
    steps, samples = mask.shape[:2]
    rows = mask.numpy().reshape(steps * samples, -1)
    for width in (8, 4, 2):
        if rows.shape[1] % width == 0:  # bytes of 0 and 1 in a word: the product's first holds them
            kind = np.dtype(f"u{width}").type
            words = rows.view(kind) * kind(ONES[width])
            return (words >> kind(8 * width - 8)).sum(1, np.int64).reshape(steps, samples)
    return rows.sum(1, np.int64).reshape(steps, samples)


def products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ a · b over a slice of int64 arrays (steps, samples, *shape): int64 (steps, samples). ``b``
    may be one slice for all of them."""
    from neurosim.ops._sum_kernel import product_rows_loop

    rows = np.ascontiguousarray(a).reshape(a.shape[0] * a.shape[1], -1)
    factors = np.ascontiguousarray(b).reshape(-1, rows.shape[1])
    found = np.empty(len(rows), np.int64)
    spread(product_rows_loop, len(rows), rows.size, rows, factors, found)
    return found.reshape(a.shape[:2])
