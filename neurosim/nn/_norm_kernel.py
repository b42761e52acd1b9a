"""Compiled batch norm with statistics per step and channel, in the memory layout that is there.

A step is rows [R, L]. ``inner`` false: row r holds channel r modulo C at L places; true: every row
holds all L = C channels. Sums run in one fixed order (float32 over 16 lanes within a row, float64
between rows): the same bits for any number of threads. Import where used: it imports numba.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from neurosim.threads._fork import compiled, fork, roomy_body

LANES = 16
PLAIN, SQUARE, PRODUCT = range(3)
ZERO = np.float32(0)
_compile: Any = nb.njit
_stage = _compile(cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


@roomy_body
def forward(first, last, x, y, weight, bias, mean, var, eps, inner):
    """Steps first … last − 1 of x (T, R, L) → y; mean and biased variance, (T, C) float32."""
    channels = weight.shape[1]
    count = x.shape[1] * x.shape[2] / channels
    total = np.empty(channels, np.float64)
    for t in range(first, last):
        _sum(total, x[t], x[t], mean[t], inner, PLAIN)
        for c in range(channels):
            mean[t, c] = total[c] / count
        _sum(total, x[t], x[t], mean[t], inner, SQUARE)
        for c in range(channels):
            var[t, c] = total[c] / count
        _affine(x[t], y[t], weight[t], bias[t], mean[t], var[t], eps, inner)


@compiled
def forward_loop(start, threads, tasks, chunk, args):
    return fork(forward, start, threads, tasks, chunk, args)


@_stage
def _affine(x, y, weight, bias, mean, var, eps, inner):
    """y = (x − μ)·γ/√(σ² + ε) + β."""
    scale = np.empty(weight.size, np.float32)
    for c in range(weight.size):
        scale[c] = weight[c] / np.sqrt(np.float64(var[c]) + eps)
    for r in range(x.shape[0]):
        row, out = x[r], y[r]
        if inner:
            for j in range(row.size):
                out[j] = (row[j] - mean[j]) * scale[j] + bias[j]
        else:
            c = r % weight.size
            m, s, b = mean[c], scale[c], bias[c]
            for j in range(row.size):
                out[j] = (row[j] - m) * s + b


@roomy_body
def backward(first, last, x, gy, gx, weight, mean, var, gweight, gbias, eps, inner):
    """gβ = Σ gy, gγ = Σ gy·x̂, gx = γ/σ·(gy − gβ/N − x̂·gγ/N), x̂ = (x − μ)/σ, σ² with ε."""
    channels = weight.shape[1]
    count = x.shape[1] * x.shape[2] / channels
    total = np.empty((2, channels), np.float64)
    a, b, d = np.empty((3, channels), np.float32)
    for t in range(first, last):
        _sum(total[0], gy[t], x[t], mean[t], inner, PLAIN)
        _sum(total[1], gy[t], x[t], mean[t], inner, PRODUCT)
        for c in range(channels):
            invstd = 1.0 / np.sqrt(np.float64(var[t, c]) + eps)
            gbias[t, c], gweight[t, c] = total[0, c], total[1, c] * invstd
            a[c], b[c] = weight[t, c] * invstd, total[0, c] / count
            d[c] = total[1, c] * invstd * invstd / count
        _slopes(x[t], gy[t], gx[t], mean[t], a, b, d, inner)


@compiled
def backward_loop(start, threads, tasks, chunk, args):
    return fork(backward, start, threads, tasks, chunk, args)


@_stage
def _slopes(x, gy, gx, mean, a, b, d, inner):
    for r in range(x.shape[0]):
        row, g, out = x[r], gy[r], gx[r]
        if inner:
            for j in range(row.size):
                out[j] = a[j] * (g[j] - b[j] - (row[j] - mean[j]) * d[j])
        else:
            c = r % mean.size
            m, scale, shift, slope = mean[c], a[c], b[c], d[c]
            for j in range(row.size):
                out[j] = scale * (g[j] - shift - (row[j] - m) * slope)


@_stage
def _sum(total, a, x, mean, inner, kind):
    """Per channel: Σ a, Σ (x − μ)², or Σ a·(x − μ)."""
    lanes = np.empty(LANES, np.float32)
    for c in range(total.size):
        total[c] = 0.0
    for r in range(a.shape[0]):
        if inner:
            _add_row(total, a[r], x[r], mean, kind)
        else:
            c = r % total.size
            total[c] += _row_sum(lanes, a[r], x[r], mean[c], kind)


@_stage
def _add_row(total, a, x, mean, kind):
    if kind == PLAIN:
        for j in range(a.size):
            total[j] += a[j]
    elif kind == SQUARE:
        for j in range(a.size):
            total[j] += (x[j] - mean[j]) * (x[j] - mean[j])
    else:
        for j in range(a.size):
            total[j] += a[j] * (x[j] - mean[j])


@_stage
def _row_sum(lanes, a, x, m, kind):
    for k in range(LANES):
        lanes[k] = ZERO
    whole = a.size - a.size % LANES
    for i in range(0, whole, LANES):
        u, v = a[i : i + LANES], x[i : i + LANES]
        if kind == PLAIN:
            for k in range(LANES):
                lanes[k] += u[k]
        elif kind == SQUARE:
            for k in range(LANES):
                lanes[k] += (v[k] - m) * (v[k] - m)
        else:
            for k in range(LANES):
                lanes[k] += u[k] * (v[k] - m)
    total = _rest(a[whole:], x[whole:], m, kind)
    for k in range(LANES):
        total += lanes[k]
    return total


@_stage
def _rest(a, x, m, kind):
    total = 0.0
    for j in range(a.size):
        d = x[j] - m
        total += a[j] if kind == PLAIN else d * d if kind == SQUARE else a[j] * d
    return total
