"""Compiled loops over spike bits. Import this module where it is used: it imports numba."""

from __future__ import annotations

import numpy as np

from neurosim.ops._vectors import active_mask_16, ones
from neurosim.threads._fork import body, compiled, fork, inlined


@inlined
def active_word(x, at, room):
    """Active elements among the next min(64, room) of a float32 row, as bits."""
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


@inlined
def window(words, at, room):
    """Bits at … at + min(64, room) of a row of words; the rest 0."""
    first, shift = at >> 6, at & 63
    found = np.uint64(words[first]) >> np.uint64(shift)
    if shift and shift + min(room, 64) > 64:
        found |= np.uint64(words[first + 1]) << np.uint64(64 - shift)
    if room < 64:
        found &= (np.uint64(1) << np.uint64(room)) - np.uint64(1)
    return np.int64(found)


@body
def pack(first, last, x, words):
    """Bits of the elements that are not 0 of float32 rows first … last − 1."""
    for row in range(first, last):
        line, found = x[row], words[row]
        for w in range(found.size):
            found[w] = active_word(line, 64 * w, line.size - 64 * w)


@compiled
def pack_loop(start, threads, tasks, chunk, args):
    return fork(pack, start, threads, tasks, chunk, args)


@body
def unpack(first, last, words, out):
    """Float32 rows first … last − 1 of 0.0 and 1.0."""
    for row in range(first, last):
        for w in range(words.shape[1]):
            word = words[row, w]
            for k in range(min(64, out.shape[1] - 64 * w)):
                out[row, 64 * w + k] = np.float32((word >> k) & 1)


@compiled
def unpack_loop(start, threads, tasks, chunk, args):
    return fork(unpack, start, threads, tasks, chunk, args)


@inlined
def _sum_words(words, each, found):
    for j in range(found.size):
        total = np.int64(0)
        for k in range(each):
            total += ones(words[j * each + k])
        found[j] = total


@inlined
def _split_words(words, length, found):
    few, most = 64 // length, (np.uint64(1) << np.uint64(length)) - np.uint64(1)
    size, step, j, k = found.size, np.uint64(length), 0, 0
    while j < size:
        word = np.uint64(words[k])
        for i in range(j, min(size, j + few)):
            found[i] = ones(np.int64(word & most))
            word >>= step
        j += few
        k += 1


@body
def count_runs(first, last, words, length, found):
    """found[row, j]: set bits among the elements j·length … (j + 1)·length, of rows first … last −
    1."""
    for row in range(first, last):
        if length % 64 == 0:
            _sum_words(words[row], length // 64, found[row])
            continue
        if 64 % length == 0:
            _split_words(words[row], length, found[row])
            continue
        for j in range(found.shape[1]):
            total = np.int64(0)
            for k in range(0, length, 64):
                total += ones(window(words[row], j * length + k, length - k))
            found[row, j] = total


@compiled
def count_runs_loop(start, threads, tasks, chunk, args):
    return fork(count_runs, start, threads, tasks, chunk, args)
