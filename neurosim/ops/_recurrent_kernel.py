"""The compiled loop of neurons that feed themselves through one matrix, a step ago.

Import this module where it is used: it imports numba.
"""

from __future__ import annotations

import numpy as np

from neurosim.ops._neuron_kernel import (
    CURRENT_STATE,
    LOADED,
    REFRACTORY,
    REST,
    V_THRESHOLD,
    B,
    V,
    _charge,
    _discharge,
    _emit,
    _input,
    _load,
)
from neurosim.ops._vectors import row_sum_16, row_sum_32, row_sum_64
from neurosim.threads._fork import compiled, fork, roomy_body

SLACK = 64  # elements past a vector that a tile may touch


@roomy_body
def recurrent_rows(
    first, last, x, out, rows, tiles, bias, scale, held, fired, params, affine, repeats, form
):
    """Walk samples first … last − 1 through all steps of x (steps, samples, neurons).

    ``rows``, ``tiles``: packed weights (one group); ``fired``: spikes of the step before, kept up
    to date; ``held`` as in ``scan_rows``. Fills ``out`` like x.
    """
    size = x.shape[2]
    p, buffers = np.empty((LOADED, size), np.float32), np.empty((6, size), np.float32)
    index, payload = np.empty(size + SLACK, np.int32), np.zeros(SLACK, np.float32)
    current = np.empty(size + SLACK, np.float32)
    for k in range(LOADED):
        _load(p[k], params[k], repeats[k], 0)
    u, theta, pending, before, total, scratch = buffers
    for sample in range(first, last):
        v, i = held[V][sample], held[CURRENT_STATE][sample]
        b, rest, z = held[B][sample], held[REST][sample], fired[sample]
        _emit(theta, p[V_THRESHOLD])
        for t in range(x.shape[0]):
            events = 0
            for k in range(size):
                index[events] = k
                events += z[k] != 0
            for tile in range(tiles.shape[0]):
                at, width, place = tiles[tile, 0], tiles[tile, 1], tiles[tile, 2]
                if width == 64:
                    row_sum_64(
                        current, place, rows, at, index, payload, 0, events, bias, place, scale
                    )
                elif width == 32:
                    row_sum_32(
                        current, place, rows, at, index, payload, 0, events, bias, place, scale
                    )
                else:
                    row_sum_16(
                        current, place, rows, at, index, payload, 0, events, bias, place, scale
                    )
            for k in range(size):
                total[k] = x[t, sample, k] + current[k]
            if form[REFRACTORY] > 0:
                _emit(before, v)
            _input(u, total, affine, repeats, t, 0, scratch)
            _charge(v, i, u, theta, pending, p, form)
            _discharge(v, b, rest, z, theta, pending, before, p, form)
            _emit(out[t, sample], z)


@compiled
def recurrent_rows_loop(start, threads, tasks, chunk, args):
    return fork(recurrent_rows, start, threads, tasks, chunk, args)
