"""Compiled x · scale + bias, two roundings an element, and the same added to another activity.

Import this module where it is used: it imports numba.
"""

from __future__ import annotations

from neurosim.ops._vectors import affine_1, affine_16, affine_add_1, affine_add_16
from neurosim.threads._fork import body, compiled, fork, inlined


@body
def affine(first, last, x, other, out, scale, bias, unit, tiled, samples, by_step):
    """Rows first … last − 1 of x and out (slices, size), added to those of ``other`` where it has
    some; ``scale``, ``bias``: see ``_tiles.Tiles``. ``out`` may be x.

    Rows of a step lie together where ``by_step``, else those of a sample.
    """
    size, steps = x.shape[1], x.shape[0] // samples
    source, beside, target = x.reshape(-1), other.reshape(-1), out.reshape(-1)
    scales, biases, period = scale.reshape(-1), bias.reshape(-1), scale.shape[1]
    for row in range(first, last):
        step = row // samples if by_step else row % steps
        begins = step * period if scale.shape[0] > 1 else 0
        at, end = row * size, (row + 1) * size
        while at < end:
            inside = at - row * size
            if tiled:
                past = min(end, at + unit)
                _side_by_side(target, source, beside, scales, biases, begins, at, past)
            else:
                past = min(end, row * size + (inside // unit + 1) * unit)
                channel = begins + inside // unit % period
                _alike(target, source, beside, scales[channel], biases[channel], at, past)
            at = past


@compiled
def affine_loop(start, threads, tasks, chunk, args):
    return fork(affine, start, threads, tasks, chunk, args)


@inlined
def _side_by_side(out, x, other, scale, bias, begins, at, past):
    """Scale and bias lie beside each other from ``begins`` on."""
    shift = begins - at
    while at + 16 <= past:
        if other.size:
            affine_add_16(out, at, x, other, scale, bias, at + shift)
        else:
            affine_16(out, at, x, other, scale, bias, at + shift)
        at += 16
    while at < past:
        if other.size:
            affine_add_1(out, at, x, other, scale, bias, at + shift)
        else:
            affine_1(out, at, x, other, scale, bias, at + shift)
        at += 1


@inlined
def _alike(out, x, other, scale, bias, at, past):
    """One scale and one bias for all."""
    while at + 16 <= past:
        if other.size:
            affine_add_16(out, at, x, other, scale, bias, 0)
        else:
            affine_16(out, at, x, other, scale, bias, 0)
        at += 16
    while at < past:
        if other.size:
            affine_add_1(out, at, x, other, scale, bias, 0)
        else:
            affine_1(out, at, x, other, scale, bias, 0)
        at += 1
