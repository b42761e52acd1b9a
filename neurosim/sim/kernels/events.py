"""Dense activity to lists of active elements, row by row.

A row is one (sample, group, input line); its events are ordered by (column, channel in the group)
and numbered
``column · C/groups + channel``, so the columns that one kernel row covers are one stretch of the
list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurosim.ops._bits import WORD, Bits, same_order
from neurosim.ops._bits_kernel import active_word, pack_loop, window
from neurosim.ops._layout_kernel import interleave_loop
from neurosim.ops._vectors import column_words, list_16, lowest_bit, ones
from neurosim.threads import spread
from neurosim.threads._fork import body, compiled, fork, inlined, roomy_body

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


@dataclass(frozen=True, eq=False)
class BitFrames:
    """Spikes (N, C, Z, Y, X) as bits, channels innermost."""

    words: np.ndarray  # (N, words) int64
    shape: tuple[int, int, int, int, int]


def bit_frames(x: Bits, features_last: bool = False) -> BitFrames | None:
    """View (T, B, C, *spatial), or (T, B, …, C) where ``features_last``; None: another axis is
    innermost in memory.
    """
    axes = range(len(x.inner))
    wanted = tuple(axes) if features_last else (*axes[1:], 0)
    sizes = x.shape[2:]
    if not same_order(x.inner, wanted, sizes):
        return None
    if features_last:
        return BitFrames(x.words, (len(x.words), sizes[-1], 1, 1, math.prod(sizes[:-1])))
    depth, height, width = (*(1,) * (4 - len(sizes)), *sizes[1:])
    return BitFrames(x.words, (len(x.words), sizes[0], depth, height, width))


def as_bits(x: Frames | BitFrames) -> BitFrames:
    """Spikes as bits, packed if they are numbers."""
    if isinstance(x, BitFrames):
        return x
    samples, channels, size = x.shape[0], x.shape[1], math.prod(x.shape[1:])
    rows = x.flat.reshape(samples, size)
    if not x.channels_last:
        last = np.empty((samples, size // max(1, channels), channels), np.float32)
        spread(interleave_loop, samples, x.flat.size, rows.reshape(samples, channels, -1), last)
        rows = last.reshape(samples, size)
    words = np.empty((samples, -(-size // WORD)), np.int64)
    spread(pack_loop, samples, x.flat.size, rows, words)
    return BitFrames(words, x.shape)


def compress(x: Frames | BitFrames, groups: int, keep_values: bool) -> Events:
    """List the non-zero elements of ``x``; payloads too when asked for."""
    samples, channels, depth, height, width = x.shape
    size, rows = math.prod(x.shape), samples * groups * depth * height
    if isinstance(x, BitFrames):
        return _compress_spikes(x, groups, size, rows)
    index = np.empty(size + SLACK, np.int32)
    value = np.zeros(size + SLACK if keep_values else SLACK, np.float32)
    start = np.empty((rows, width + 1), np.int64)
    loop = _compress_last_loop if x.channels_last else _compress_planar_loop
    given = (x.flat, channels, groups, depth * height, width, index, value, start)
    spread(loop, rows, size, *given)
    return Events(index, value, start)


def _compress_spikes(x: BitFrames, groups: int, size: int, rows: int) -> Events:
    _, channels, depth, height, width = x.shape
    index = np.empty(size + SLACK, np.int32)
    start = np.empty((rows, width + 1), np.int64)
    given = (x.words, channels, groups, depth * height, width, index, start)
    spread(_compress_bits_loop, rows, size // 4, *given)
    return Events(index, np.zeros(SLACK, np.float32), start)


@body
def _compress_bits(begin, end, words, channels, groups, lines, width, index, start):
    """Rows begin..end of spikes (N, lines, width, C), one bit each."""
    inputs = channels // groups
    at, past = begin * width * inputs, end * width * inputs
    for row in range(begin, end):
        line, group = row % lines, row // lines % groups
        bits = words[row // lines // groups]
        base = line * width * channels + group * inputs
        for column in range(width):
            start[row, column] = at
            for channel in range(0, inputs, 64):
                word = window(bits, base + column * channels + channel, inputs - channel)
                at = list_word(index, at, past, word, column * inputs + channel, inputs - channel)
        start[row, width] = at


@compiled
def _compress_bits_loop(start, threads, tasks, chunk, args):
    return fork(_compress_bits, start, threads, tasks, chunk, args)


@body
def _compress_last(begin, end, x, channels, groups, lines, width, index, value, start):
    """Rows begin..end of x (N, lines, width, C): 64 channels make one word, its set bits the
    events.
    """
    inputs = channels // groups
    at, past = begin * width * inputs, end * width * inputs
    for row in range(begin, end):
        line, group = row % lines, row // lines % groups
        base = (row // lines // groups * lines + line) * width * channels + group * inputs
        for column in range(width):
            start[row, column] = at
            first = base + column * channels
            for channel in range(0, inputs, 64):
                word = active_word(x, first + channel, inputs - channel)
                number = column * inputs + channel
                if value.size < index.size:
                    at = list_word(index, at, past, word, number, inputs - channel)
                else:
                    at = _emit(word, number, x, first + channel, 1, index, value, at)
        start[row, width] = at


@compiled
def _compress_last_loop(start, threads, tasks, chunk, args):
    return fork(_compress_last, start, threads, tasks, chunk, args)


@inlined
def list_word(index, at, past, word, number, room):
    """Append number + k for every set bit k < room; nothing from index[past] on is touched. Returns
    the new length.
    """
    if at + 80 > past:  # whole vectors would not stay in front of it
        while word:
            index[at] = number + lowest_bit(word)
            word &= word - 1
            at += 1
        return at
    for k in range(0, min(room, 64), 16):
        part = (word >> k) & 0xFFFF
        list_16(index, at, part, number + k)
        at += ones(part)
    return at


@inlined
def _emit(word, number, x, first, step, index, value, at):
    """Append one event per set bit, with its payload; returns the new length."""
    while word:
        k = lowest_bit(word)
        word &= word - 1
        index[at] = number + k
        value[at] = x[first + k * step]
        at += 1
    return at


@roomy_body
def _compress_planar(begin, end, x, channels, groups, lines, width, index, value, start):
    """Rows begin..end of x (N, C, lines, width): one word of up to 64 channels per column, filled
    plane by plane.
    """
    inputs, plane = channels // groups, lines * width
    blocks = (inputs + 63) // 64
    words = np.empty((blocks, width + SLACK), np.int64)
    at, past = begin * width * inputs, end * width * inputs
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
                if value.size < index.size:
                    word = words[block, column]
                    at = list_word(index, at, past, word, number, inputs - 64 * block)
                else:
                    at = _emit(words[block, column], number, x, first, plane, index, value, at)
        start[row, width] = at


@compiled
def _compress_planar_loop(start, threads, tasks, chunk, args):
    return fork(_compress_planar, start, threads, tasks, chunk, args)


@inlined
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
