"""Many small products of two discrete activities, counted on the way: attention's, as a rule.

Both operands are read where they lie, whatever the order of their axes in memory. Every product and
every sum of them is an integer times a power of two that float32 holds, so no order of additions is
another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.ops._product_rows import product_1, product_4, whole_sum_16
from neurosim.ops._vectors import active_mask_16, add_active_16, ones
from neurosim.threads import spread
from neurosim.threads._fork import body, compiled, fork, inlined

LANES = 16
MOST = 2**21  # multiplications of one slice; above, torch's own kernel and a count are faster


class Laid(NamedTuple):
    """Memory (flat), and how far apart neighbours along (steps, samples, heads, rows, columns) lie
    in it."""

    flat: np.ndarray
    apart: tuple[int, ...]


class Met(NamedTuple):
    """int64 (steps, samples) each: active elements of either side and of the product, pairs of
    them that meet, and the sum of the product's integers."""

    left: np.ndarray
    right: np.ndarray
    active: np.ndarray
    pairs: np.ndarray
    sums: np.ndarray


def fits(a: Laid, b: Laid, sizes: tuple[int, ...]) -> bool:
    """Whether rows of ``b`` are whole vectors, and columns or rows of ``a`` lie side by side."""
    return sizes[5] % LANES == 0 and b.apart[4] == 1 and 1 in a.apart[3:]


def small_products(
    a: Laid, b: Laid, sizes: tuple[int, ...], scale: float
) -> tuple[np.ndarray, Met]:
    """a (T, B, H, M, K) · b (T, B, H, K, N), which ``fit``, and what met. ``sizes``: T, B, H, M, K,
    N; ``scale``: the power of two that the product's integers are multiplied by, none of them
    negative.

    Returns float32 (T, B, H, M, N), rows and heads in the memory order that ``a`` has them.
    """
    steps, samples, heads, rows, inner, columns = sizes
    by_rows = a.apart[3] > a.apart[2]
    shape = (rows, heads) if by_rows else (heads, rows)
    out = np.empty((steps, samples, *shape, columns), np.float32)
    found = np.empty((len(Met._fields), steps * samples), np.int64)
    along = (columns, heads * columns) if by_rows else (rows * columns, columns)
    scratch = np.empty((steps * samples, inner + LANES), np.int32)
    given = (a.flat, a.apart, b.flat, b.apart, out.reshape(-1), along, sizes, np.float32(1 / scale),
             scratch, found)  # fmt: skip
    spread(small_rows_loop, steps * samples, out.size * inner // LANES, *given)
    met = Met(*found.reshape(-1, steps, samples))
    return out.swapaxes(2, 3) if by_rows else out, met


@inlined
def _head(a, a_at, down, step, b, b_at, b_step, out, at, along, rows, inner, columns):
    """One product: four rows at a time, sixteen columns."""
    for n in range(0, columns, 16):
        m = 0
        while m + 4 <= rows:
            product_4(out, at + m * along + n, along, a, a_at + m * down, down, step,
                      b, b_at + n, b_step, inner)  # fmt: skip
            m += 4
        while m < rows:
            product_1(out, at + m * along + n, along, a, a_at + m * down, down, step,
                      b, b_at + n, b_step, inner)  # fmt: skip
            m += 1


@inlined
def _columns(a, at, down, step, rows, inner, active):
    """active[k] = active elements of column k; one of ``down`` and ``step`` is 1."""
    k = 0
    if step == 1:
        while k + 16 <= inner:
            add_active_16(active, k, a, at + k, down, rows)
            k += 16
    while k < inner:
        column, m, total = at + k * step, 0, np.int64(0)
        if down == 1:
            while m + 16 <= rows:
                total += ones(active_mask_16(a, column + m))
                m += 16
        while m < rows:
            total += np.int64(a[column + m * down] != 0)
            m += 1
        active[k] = total
        k += 1


@body
def small_rows(first, last, a, a_apart, b, b_apart, out, along, sizes, unit, scratch, found):
    """Slices first … last − 1 of all steps and samples."""
    samples, heads, rows, inner, columns = sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]
    size = heads * rows * columns
    for task in range(first, last):
        t, sample, active = task // samples, task % samples, scratch[task]
        left, right, pairs = np.int64(0), np.int64(0), np.int64(0)
        for head in range(heads):
            a_at = t * a_apart[0] + sample * a_apart[1] + head * a_apart[2]
            b_at = t * b_apart[0] + sample * b_apart[1] + head * b_apart[2]
            _head(a, a_at, a_apart[3], a_apart[4], b, b_at, b_apart[3],
                  out, task * size + head * along[0], along[1], rows, inner, columns)  # fmt: skip
            _columns(a, a_at, a_apart[3], a_apart[4], rows, inner, active)
            for k in range(inner):
                other = np.int64(0)
                for n in range(0, columns, 16):
                    other += ones(active_mask_16(b, b_at + k * b_apart[3] + n))
                left += active[k]
                right += other
                pairs += active[k] * other
        total, reached = np.int64(0), np.int64(0)
        for n in range(task * size, (task + 1) * size, 16):
            total += whole_sum_16(out, n, unit)
            reached += ones(active_mask_16(out, n))
        found[0, task], found[1, task], found[2, task] = left, right, reached
        found[3, task], found[4, task] = pairs, total


@compiled
def small_rows_loop(start, threads, tasks, chunk, args):
    return fork(small_rows, start, threads, tasks, chunk, args)
