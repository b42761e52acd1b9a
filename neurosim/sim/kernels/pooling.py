"""Max pooling of activity with channels innermost: a window's lines first, then its columns."""

from __future__ import annotations

import numpy as np

from neurosim.ops._vectors import largest_16
from neurosim.threads import spread
from neurosim.threads._fork import compiled, fork, inlined, roomy_body

LANES = 16


def spans(size: int, out: int, kernel: int, stride: int, padding: int) -> np.ndarray:
    """(outputs, 2) int64: the first input that each output sees, and how many. Padding never wins,
    so it is left out."""
    first = np.arange(out, dtype=np.int64) * stride - padding
    begins = np.maximum(first, 0)
    return np.stack([begins, np.minimum(first + kernel, size) - begins], axis=1)


def max_pool(x: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """float32 (N, Y, X, C), contiguous → (N, Y', X', C): the largest of each window. ``down``,
    ``across``: see ``spans``. No NaN in x, no window empty."""
    out = np.empty((len(x), len(down), len(across), x.shape[3]), np.float32)
    sizes = (x.shape[1], x.shape[2], x.shape[3])
    spread(
        _pool_loop, len(x) * len(down), x.size, x.reshape(-1), out.reshape(-1), sizes, down, across
    )
    return out


@roomy_body
def _pool(begin, end, x, out, sizes, down, across):
    """Output lines begin..end, numbered (sample, line)."""
    lines, columns, channels = sizes
    width = columns * channels
    line, spill = np.empty(width + LANES, np.float32), np.empty(LANES, np.float32)
    for task in range(begin, end):
        sample, y = task // len(down), task % len(down)
        first = (sample * lines + down[y, 0]) * width
        _columns(line, x, first, width, down[y, 1])
        for column in range(len(across)):
            at = (task * len(across) + column) * channels
            here, seen = across[column, 0] * channels, across[column, 1]
            for c in range(0, channels, LANES):
                # what a vector writes past its channels, the next pixel of the line writes again
                if (len(across) - column) * channels - c >= LANES:
                    largest_16(out, at + c, line, here + c, channels, seen)
                    continue
                largest_16(spill, 0, line, here + c, channels, seen)
                for k in range(min(LANES, channels - c)):
                    out[np.uintp(at + c + k)] = spill[k]


@compiled
def _pool_loop(start, threads, tasks, chunk, args):
    return fork(_pool, start, threads, tasks, chunk, args)


@inlined
def _columns(line, x, first, width, lines):
    """line[k]: the largest of so many lines of x that begin at ``first``."""
    k = 0
    while k + LANES <= width:
        largest_16(line, k, x, first + k, width, lines)
        k += LANES
    while k < width:
        most = x[np.uintp(first + k)]
        for j in range(1, lines):
            other = x[np.uintp(first + j * width + k)]
            most = other if other > most else most
        line[k] = most
        k += 1
