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
    first, last, block, x, out, bits, spikes, rows, v, affine, unit, tiled, numbers, form
):
    """Walk tasks first … last − 1, each a block of neurons of one sample, through all steps.

    ``x``, ``out``, ``v`` flat; of ``out`` and ``bits`` (slices, words) those are filled that have
    room. ``affine``: scale and bias, see ``_tiles.Tiles``. Holds no lock.
    """
    scale, bias = affine
    samples, steps = rows[2], spikes.shape[1]
    size = v.size // samples
    blocks = (size + block - 1) // block
    for task in range(first, last):
        sample, lo = task // blocks, (task % blocks) * block
        hi, held = min(lo + block, size), sample * size
        for t in range(steps):
            row = t if scale.shape[0] > 1 else 0
            there = (t * rows[0] + sample * rows[1]) * size
            total, at = np.int64(0), lo
            while at < hi:
                if tiled:
                    end = min(hi, at + unit)
                    if bits.size:
                        words = bits[t * samples + sample]
                        total += _as_bits(v, held, x, there, out, words, at, end, scale[row],
                                          bias[row], numbers, form)  # fmt: skip
                    else:
                        total += _tiled(v, held, x, there, out, at, end, scale[row], bias[row],
                                        numbers, form)  # fmt: skip
                else:
                    channel = at // unit % scale.shape[1]
                    end = min(hi, (at // unit + 1) * unit)
                    total += _run(v, held, x, there, out, at, end, scale[row, channel],
                                  bias[row, channel], numbers, form)  # fmt: skip
                at = end
            spikes[task, t] = total


@compiled
def short_rows_loop(start, threads, tasks, chunk, args):
    return fork(short_rows, start, threads, tasks, chunk, args)


@inlined
def _sixteen(v, held, x, there, scale, bias, at, where, p, f):
    return step_16(v, held + at, x, there + at, scale, bias, where, p[0], p[1], p[2], p[3], p[4],
                   p[5], f[0], f[1], f[2], f[3])  # fmt: skip


@inlined
def _one(v, held, x, there, scale, bias, at, where, p, f):
    return step_1(v, held + at, x, there + at, scale, bias, where, p[0], p[1], p[2], p[3], p[4],
                  p[5], f[0], f[1], f[2], f[3])  # fmt: skip


@inlined
def _run(v, held, x, there, out, begin, end, scale, bias, p, f):
    total, at = np.int64(0), begin
    while at + 16 <= end:
        mask = _sixteen(v, held, x, there, scale, bias, at, 0, p, f)
        store_ones_16(out, there + at, mask)
        total += ones(mask)
        at += 16
    while at < end:
        fired = _one(v, held, x, there, scale, bias, at, 0, p, f)
        out[there + at] = ONE if fired else ZERO
        total += fired
        at += 1
    return total


@inlined
def _tiled(v, held, x, there, out, begin, end, scale, bias, p, f):
    total, at = np.int64(0), begin
    while at + 16 <= end:
        mask = _sixteen(v, held, x, there, scale, bias, at, at - begin, p, f)
        store_ones_16(out, there + at, mask)
        total += ones(mask)
        at += 16
    while at < end:
        fired = _one(v, held, x, there, scale, bias, at, at - begin, p, f)
        out[there + at] = ONE if fired else ZERO
        total += fired
        at += 1
    return total


@inlined
def _as_bits(v, held, x, there, out, words, begin, end, scale, bias, p, f):
    """``begin`` is a multiple of 64; ``out`` is filled as well where it has room."""
    total, at, both = np.int64(0), begin, out.size > 0
    while at < end:
        word, k, room = np.int64(0), np.int64(0), min(end - at, 64)
        while k + 16 <= room:
            mask = _sixteen(v, held, x, there, scale, bias, at + k, at + k - begin, p, f)
            word |= mask << k
            if both:
                store_ones_16(out, there + at + k, mask)
            k += 16
        while k < room:
            fired = _one(v, held, x, there, scale, bias, at + k, at + k - begin, p, f)
            word |= fired << k
            if both:
                out[there + at + k] = ONE if fired else ZERO
            k += 1
        words[at >> 6] = word
        total += ones(word)
        at += 64
    return total
