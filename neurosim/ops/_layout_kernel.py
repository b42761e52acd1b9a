"""Compiled changes of memory order. Import this module where it is used: it imports numba."""

from __future__ import annotations

from neurosim.threads._fork import body, compiled, fork, inlined


@body
def interleave(first, last, x, out):
    """out[n, p, c] = x[n, c, p] for n = first … last − 1 and few channels c."""
    channels = x.shape[1]
    for n in range(first, last):
        if channels == 2:
            _two(x[n, 0], x[n, 1], out[n])
        elif channels == 3:
            _three(x[n, 0], x[n, 1], x[n, 2], out[n])
        else:
            for c in range(channels):
                for p in range(x.shape[2]):
                    out[n, p, c] = x[n, c, p]


@compiled
def interleave_loop(start, threads, tasks, chunk, args):
    return fork(interleave, start, threads, tasks, chunk, args)


# a number of channels known beforehand makes whole vectors of the strided writes


@inlined
def _two(a, b, out):
    for p in range(a.size):
        out[p, 0] = a[p]
        out[p, 1] = b[p]


@inlined
def _three(a, b, c, out):
    for p in range(a.size):
        out[p, 0] = a[p]
        out[p, 1] = b[p]
        out[p, 2] = c[p]
