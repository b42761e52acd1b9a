"""Compiled sums of active elements and of payloads along one axis. Import this module where it is
used: it imports numba."""

from __future__ import annotations

import numpy as np

from neurosim.ops._vectors import active_mask_16, add_active_16, ones
from neurosim.threads._fork import body, compiled, fork


@body
def active_last(first, last, x, found):
    """found[r]: elements of x[r] that are not 0, for rows first … last − 1."""
    length = x.shape[1]
    for row in range(first, last):
        line, total, k = x[row], np.int64(0), 0
        while k + 16 <= length:
            total += ones(active_mask_16(line, k))
            k += 16
        while k < length:
            total += np.int64(line[k] != 0)
            k += 1
        found[row] = total


@compiled
def active_last_loop(start, threads, tasks, chunk, args):
    return fork(active_last, start, threads, tasks, chunk, args)


@body
def active_middle(first, last, x, found):
    """found[o, i]: elements of x[o, :, i] that are not 0, for o = first … last − 1."""
    length, inner = x.shape[1], x.shape[2]
    flat, counts = x.reshape(-1), found.reshape(-1)
    for outer in range(first, last):
        i = 0
        while i + 16 <= inner:
            add_active_16(
                counts, outer * inner + i, flat, outer * length * inner + i, inner, length
            )
            i += 16
        while i < inner:
            total = np.int32(0)
            for k in range(length):
                total += np.int32(x[outer, k, i] != 0)
            found[outer, i] = total
            i += 1


@compiled
def active_middle_loop(start, threads, tasks, chunk, args):
    return fork(active_middle, start, threads, tasks, chunk, args)


@body
def units_last(first, last, x, scale, nonzero, found):
    """found[r] = Σ |n| of x[r] = scale · n, or how many n are not 0, for rows first … last − 1."""
    for row in range(first, last):
        total = np.int64(0)
        if nonzero:
            for k in range(x.shape[1]):
                total += np.int64(np.rint(x[row, k] / scale) != 0)
        else:
            for k in range(x.shape[1]):
                total += np.int64(np.int32(abs(np.rint(x[row, k] / scale))))
        found[row] = total


@compiled
def units_last_loop(start, threads, tasks, chunk, args):
    return fork(units_last, start, threads, tasks, chunk, args)


@body
def units_middle(first, last, x, scale, nonzero, found):
    """The same along the middle axis: found[o, i] of x[o, :, i]."""
    for outer in range(first, last):
        counts = found[outer]
        counts[:] = 0
        for k in range(x.shape[1]):
            line = x[outer, k]
            if nonzero:
                for i in range(line.size):
                    counts[i] += np.int32(np.rint(line[i] / scale) != 0)
            else:
                for i in range(line.size):
                    counts[i] += np.int32(abs(np.rint(line[i] / scale)))


@compiled
def units_middle_loop(start, threads, tasks, chunk, args):
    return fork(units_middle, start, threads, tasks, chunk, args)


@body
def product_rows(first, last, a, b, found):
    """found[r] = Σ a[r] · b[r] of int64 rows, for rows first … last − 1; ``b`` of one row serves
    all."""
    for row in range(first, last):
        left, right, total = a[row], b[row if b.shape[0] > 1 else 0], np.int64(0)
        for k in range(left.size):
            total += left[k] * right[k]
        found[row] = total


@compiled
def product_rows_loop(start, threads, tasks, chunk, args):
    return fork(product_rows, start, threads, tasks, chunk, args)
