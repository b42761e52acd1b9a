"""The compiled scan of plain neurons: every step of a neuron is one pass through registers.

Import this module where it is used: it imports numba.
"""

from __future__ import annotations

import numpy as np

from neurosim.ops._neuron_vectors import step_1, step_16, store_ones_16
from neurosim.ops._vectors import ones
from neurosim.threads._fork import body, compiled, fork, inlined

ZERO, ONE = np.float32(0), np.float32(1)


@body
def short_rows(
    first, last, block, x, out, bits, words, spikes, apart, v, affine, unit, tiled, numbers, form
):
    """Walk tasks first … last − 1, each a block of neurons of one sample, through all steps.

    Every array but ``spikes`` is flat: to cut a row out of one would count references, which the
    threads would fight for. Of ``out`` and ``bits`` (``words`` a slice) those are filled that have
    room. ``apart``: slices of ``out`` between steps, and between samples; samples; elements of
    ``x`` between steps, samples, and from ``unit`` elements to the next. ``affine``: scale, bias
    and how many entries each has for a step (see ``_tiles.Tiles``). Holds no lock.
    """
    scale, bias, across = affine
    samples, steps = apart[2], spikes.shape[1]
    size = v.size // samples
    blocks = (size + block - 1) // block
    for task in range(first, last):
        sample, lo = task // blocks, (task % blocks) * block
        hi, held = min(lo + block, size), sample * size
        for t in range(steps):
            row = t * across if scale.size > across else 0
            there = (t * apart[0] + sample * apart[1]) * size
            source, word = t * apart[3] + sample * apart[4], (t * samples + sample) * words
            total, at = np.int64(0), lo
            while at < hi:
                if tiled:
                    end, begin = min(hi, at + unit), source + at // unit * apart[5]
                    if bits.size:
                        total += _as_bits(v, held + at, x, begin, out, there + at, bits,
                                          word + (at >> 6), end - at, scale, bias, row,
                                          numbers, form)  # fmt: skip
                    else:
                        total += _tiled(v, held + at, x, begin, out, there + at, end - at,
                                        scale, bias, row, numbers, form)  # fmt: skip
                else:
                    entry = row + at // unit % across
                    end = min(hi, (at // unit + 1) * unit)
                    total += _run(v, held + at, x, source + at, out, there + at, end - at,
                                  scale[entry], bias[entry], numbers, form)  # fmt: skip
                at = end
            spikes[task, t] = total


@compiled
def short_rows_loop(start, threads, tasks, chunk, args):
    return fork(short_rows, start, threads, tasks, chunk, args)


@inlined
def _sixteen(v, v_at, x, x_at, scale, bias, where, p, f):
    return step_16(v, v_at, x, x_at, scale, bias, where, p[0], p[1], p[2], p[3], p[4], p[5],
                   f[0], f[1], f[2], f[3])  # fmt: skip


@inlined
def _one(v, v_at, x, x_at, scale, bias, where, p, f):
    return step_1(v, v_at, x, x_at, scale, bias, where, p[0], p[1], p[2], p[3], p[4], p[5],
                  f[0], f[1], f[2], f[3])  # fmt: skip


@inlined
def _run(v, v_at, x, x_at, out, out_at, count, scale, bias, p, f):
    total, k = np.int64(0), np.int64(0)
    while k + 16 <= count:
        mask = _sixteen(v, v_at + k, x, x_at + k, scale, bias, 0, p, f)
        store_ones_16(out, out_at + k, mask)
        total += ones(mask)
        k += 16
    while k < count:
        fired = _one(v, v_at + k, x, x_at + k, scale, bias, 0, p, f)
        out[out_at + k] = ONE if fired else ZERO
        total += fired
        k += 1
    return total


@inlined
def _tiled(v, v_at, x, x_at, out, out_at, count, scale, bias, row, p, f):
    total, k = np.int64(0), np.int64(0)
    while k + 16 <= count:
        mask = _sixteen(v, v_at + k, x, x_at + k, scale, bias, row + k, p, f)
        store_ones_16(out, out_at + k, mask)
        total += ones(mask)
        k += 16
    while k < count:
        fired = _one(v, v_at + k, x, x_at + k, scale, bias, row + k, p, f)
        out[out_at + k] = ONE if fired else ZERO
        total += fired
        k += 1
    return total


@inlined
def _as_bits(v, v_at, x, x_at, out, out_at, bits, word_at, count, scale, bias, row, p, f):
    """The first neuron is bit 0 of a word; ``out`` is filled as well where it has room."""
    total, begin, both = np.int64(0), np.int64(0), out.size > 0
    while begin < count:
        word, k, end = np.int64(0), begin, min(count, begin + 64)
        while k + 16 <= end:
            mask = _sixteen(v, v_at + k, x, x_at + k, scale, bias, row + k, p, f)
            word |= mask << (k - begin)
            if both:
                store_ones_16(out, out_at + k, mask)
            k += 16
        while k < end:
            fired = _one(v, v_at + k, x, x_at + k, scale, bias, row + k, p, f)
            word |= fired << (k - begin)
            if both:
                out[out_at + k] = ONE if fired else ZERO
            k += 1
        bits[word_at + (begin >> 6)] = word
        total += ones(word)
        begin += 64
    return total
