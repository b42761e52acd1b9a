"""Compiled PLIF scan and its gradient: one pass over memory each way.

Blocks of neurons keep membrane and gradient in the first-level cache while they walk through the
steps. No fastmath: every line is the rounding that ``plif_step`` writes; sums over neurons are
taken in one fixed order, whatever the number of threads. Import where used: it imports numba.
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np

from neurosim.threads._fork import compiled, fork, roomy_body

BLOCK = 1024  # neurons
SUPER, TRIANGLE, TANH, CIRC, ERFC, ATAN, SIGMOID = range(7)
ZERO, ONE = np.float32(0), np.float32(1)
_HALF_PI, _TWO_OVER_ROOT_PI = np.float32(math.pi / 2), np.float32(2 / math.sqrt(math.pi))

_compile: Any = nb.njit
_stage = _compile(cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@roomy_body
def forward(first, last, x, z, h, decay, threshold, reset, at_least):
    """Blocks first … last − 1 of x (T, N): spikes z and membranes before the reset h, (T, N)."""
    steps, size = x.shape
    v = np.empty(BLOCK, np.float32)
    for block in range(first, last):
        lo, hi = block * BLOCK, min((block + 1) * BLOCK, size)
        for j in range(hi - lo):
            v[j] = reset
        for t in range(steps):
            xs, zs, hs = x[t, lo:hi], z[t, lo:hi], h[t, lo:hi]
            for j in range(hi - lo):
                u = v[j]
                m = u + decay * (xs[j] - (u - reset))
                fired = (m >= threshold) if at_least else (m > threshold)
                hs[j] = m
                zs[j] = ONE if fired else ZERO
                v[j] = reset if fired else m


@compiled
def forward_loop(start, threads, tasks, chunk, args):
    return fork(forward, start, threads, tasks, chunk, args)


@roomy_body
def backward(first, last, h, gz, gx, gw, decay, threshold, reset, at_least, through, kind, alpha):
    """Gradient of the same blocks: gz (T, N) → gx (T, N), and gw (blocks,) float64: Σ ∂L/∂H · d.

    d = X − (V − V_reset) is recovered as (H − V)/decay. ``through``: the reset passes gradient.
    """
    steps, size = h.shape
    g = np.empty(BLOCK, np.float32)  # ∂L/∂V after the step
    slope = np.empty(BLOCK, np.float32)
    total = np.empty(BLOCK, np.float64)
    keep = ONE - decay
    for block in range(first, last):
        lo, hi = block * BLOCK, min((block + 1) * BLOCK, size)
        for j in range(hi - lo):
            g[j], total[j] = ZERO, 0.0
        for t in range(steps - 1, -1, -1):
            hs, gs, out = h[t, lo:hi], gz[t, lo:hi], gx[t, lo:hi]
            before = h[t - 1 if t > 0 else 0, lo:hi]
            _slope(slope[: hi - lo], hs, threshold, kind, alpha)
            for j in range(hi - lo):
                m = hs[j]
                fired = (m >= threshold) if at_least else (m > threshold)
                spike = gs[j] + (g[j] * (reset - m) if through else ZERO)
                gh = spike * slope[j] + (ZERO if fired else g[j])
                p = before[j]
                cleared = (p >= threshold) if at_least else (p > threshold)
                v = reset if (t == 0 or cleared) else p
                total[j] += np.float64(gh * (m - v))
                out[j] = gh * decay
                g[j] = gh * keep
        gw[block] = _sum(total[: hi - lo])


@compiled
def backward_loop(start, threads, tasks, chunk, args):
    return fork(backward, start, threads, tasks, chunk, args)


@_stage
def _sum(values):
    total = 0.0
    for j in range(values.size):
        total += values[j]
    return total


@_stage
def _slope(out, h, threshold, kind, alpha):
    """The surrogate's derivative at h − threshold (``neurosim.nn.surrogate`` has the formulas)."""
    if kind == ATAN:
        for j in range(h.size):
            y = _HALF_PI * alpha * (h[j] - threshold)
            out[j] = (alpha / np.float32(2)) / (ONE + y * y)
    elif kind == CIRC:
        square, cube = alpha * alpha, alpha * alpha * alpha
        for j in range(h.size):
            x = h[j] - threshold
            s = square + x * x
            out[j] = cube / (s * np.sqrt(s))
    elif kind == SUPER:
        for j in range(h.size):
            y = ONE + abs(h[j] - threshold)
            out[j] = ONE / (y * y)
    elif kind == TRIANGLE:
        for j in range(h.size):
            y = ONE - abs(h[j] - threshold)
            out[j] = alpha * (y if y > ZERO else ZERO)
    else:
        _smooth_slope(out, h, threshold, kind, alpha)


@_stage
def _smooth_slope(out, h, threshold, kind, alpha):
    for j in range(h.size):
        x = alpha * (h[j] - threshold)
        if kind == TANH:
            y = np.tanh(x)
            out[j] = ONE - y * y
        elif kind == ERFC:
            out[j] = _TWO_OVER_ROOT_PI * np.exp(-x * x)
        else:
            y = ONE / (ONE + np.exp(-x))
            out[j] = alpha * y * (ONE - y)
