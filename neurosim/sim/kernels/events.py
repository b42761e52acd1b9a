"""Dense activity to lists of active elements, row by row.

A row is one (sample, group, input line); its events are ordered by (column, channel in the group)
and numbered
``column · C/groups + channel``, so the columns that one kernel row covers are one stretch of the
list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from neurosim.sim.kernels.threads import run_tasks
from neurosim.sim.kernels.vectors import active_mask_16, column_words, lowest_bit

SLACK = 16  # readable floats and ints past the end of each list: vectors may overshoot


@dataclass(frozen=True, eq=False)
class Events:
    """``index[start[r, x] : start[r, x + 1]]`` are the events of column x in row r."""

    index: np.ndarray  # (capacity,) int32
    value: np.ndarray  # (capacity,) float32; (SLACK,) when payloads are not kept
    start: np.ndarray  # (rows, columns + 1) int64


@dataclass(frozen=True, eq=False)
class Frames:
    """A float32 array (N, C, Z, Y, X) as flat memory, channels either outermost or innermost of a
    sample.
    """

    flat: np.ndarray
    shape: tuple[int, int, int, int, int]
    channels_last: bool


def frames(x: np.ndarray) -> Frames:
    """View (N, C, *spatial), copying only when it is neither contiguous nor channels-last."""
    x = np.asarray(x, np.float32)
    x = x.reshape(*x.shape[:2], *(1,) * (5 - x.ndim), *x.shape[2:])
    last = x.transpose(0, 2, 3, 4, 1)
    if last.flags.c_contiguous:
        return Frames(last.reshape(-1), x.shape, True)
    return Frames(np.ascontiguousarray(x).reshape(-1), x.shape, False)


def compress(x: Frames, groups: int, keep_values: bool) -> Events:
    """List the non-zero elements of ``x``; payloads too when asked for."""
    samples, channels, depth, height, width = x.shape
    size, rows = x.flat.size, samples * groups * depth * height
    index = np.empty(size + SLACK, np.int32)
    value = np.empty(size + SLACK if keep_values else SLACK, np.float32)
    start = np.empty((rows, width + 1), np.int64)
    kernel = _compress_last if x.channels_last else _compress_planar

    def part(begin: int, end: int) -> None:
        kernel(x.flat, channels, groups, depth * height, width, index, value, start, begin, end)

    run_tasks(part, rows, size)
    return Events(index, value, start)


@numba.njit(nogil=True, cache=True)
def _compress_last(x, channels, groups, lines, width, index, value, start, begin, end):
    """Rows begin..end of x (N, lines, width, C): 64 channels make one word, its set bits the
    events.
    """
    inputs = channels // groups
    at = begin * width * inputs
    for row in range(begin, end):
        line, group = row % lines, row // lines % groups
        base = (row // lines // groups * lines + line) * width * channels + group * inputs
        for column in range(width):
            start[row, column] = at
            first = base + column * channels
            for channel in range(0, inputs, 64):
                word = active_word(x, first + channel, inputs - channel)
                number = column * inputs + channel
                at = _emit(word, number, x, first + channel, 1, index, value, at)
        start[row, width] = at


@numba.njit(nogil=True, forceinline=True)
def active_word(x, at, room):
    """Active elements among the next min(64, room), as bits."""
    if room >= 64:
        low = active_mask_16(x, at) | active_mask_16(x, at + 16) << 16
        return low | active_mask_16(x, at + 32) << 32 | active_mask_16(x, at + 48) << 48
    word, k = np.int64(0), 0
    while k + 16 <= room:
        word |= active_mask_16(x, at + k) << k
        k += 16
    while k < room:
        word |= np.int64(x[at + k] != 0) << k
        k += 1
    return word


@numba.njit(nogil=True, forceinline=True)
def _emit(word, number, x, first, step, index, value, at):
    """Append one event per set bit; returns the new length."""
    keep = value.size == index.size
    while word:
        k = lowest_bit(word)
        word &= word - 1
        index[at] = number + k
        if keep:
            value[at] = x[first + k * step]
        at += 1
    return at


@numba.njit(nogil=True, cache=True)
def _compress_planar(x, channels, groups, lines, width, index, value, start, begin, end):
    """Rows begin..end of x (N, C, lines, width): one word of up to 64 channels per column, filled
    plane by plane.
    """
    inputs, plane = channels // groups, lines * width
    blocks = (inputs + 63) // 64
    words = np.empty((blocks, width + SLACK), np.int64)
    at = begin * width * inputs
    for row in range(begin, end):
        base = (row // lines * inputs * lines + row % lines) * width
        for block in range(blocks):
            channel = 64 * block
            _fill_words(
                x, base + channel * plane, plane, min(64, inputs - channel), width, words[block]
            )
        for column in range(width):
            start[row, column] = at
            for block in range(blocks):
                first = base + 64 * block * plane + column
                number = column * inputs + 64 * block
                at = _emit(words[block, column], number, x, first, plane, index, value, at)
        start[row, width] = at


@numba.njit(nogil=True, forceinline=True)
def _fill_words(x, base, plane, count, width, words):
    """Bit c of words[column]: channel c of that column is active; whole vectors while they stay
    inside x.
    """
    column = 0
    while column < width and base + (count - 1) * plane + column + 16 <= x.size:
        column_words(words, column, x, base + column, plane, count)
        column += 16
    while column < width:
        words[column] = 0
        for channel in range(count):
            words[column] |= np.int64(x[base + channel * plane + column] != 0) << channel
        column += 1
