"""The Triton kernel of neurons on a CUDA device: all steps of a block of neurons in registers.

One rounding an operation, in the order of ``neurosim.ir.neuron``; it is launched without fused
multiply-adds. Import this module where it is used: it imports triton, which comes with torch's CUDA
builds alone.
"""

from __future__ import annotations

from typing import Any

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]

_compiled: Any = triton.jit


@_compiled
def _current(i, x, i_decay, i_k, CURRENT: tl.constexpr):
    """The drive, and i after it."""
    if CURRENT == "none":
        return x, i
    if CURRENT == "jump_first":
        drive = i + x
        return drive, drive - i_k * drive
    if CURRENT == "delayed":
        return i, (i - i_k * i) + x
    drive = i_decay * i + x if CURRENT == "decay_first" else i_decay * (i + x)
    return drive, drive


@_compiled
def _charged(v, g, v_decay, k, leak, INTEGRATE: tl.constexpr):
    if INTEGRATE == "decay":
        return v_decay * v + g
    if INTEGRATE == "add_leak":
        return v + k * ((g + leak) - v)
    if INTEGRATE == "leak_add":
        return v + k * ((leak - v) + g)
    if INTEGRATE == "difference":
        return v + k * (g - (v - leak))
    return (v - k * (v - leak)) + g


@_compiled
def _fires(v, theta, FIRES: tl.constexpr):
    if FIRES == "never":
        return v != v
    return v > theta if FIRES == ">" else v >= theta


@_compiled
def _left(v, fired, value, less, RESET: tl.constexpr):
    if RESET == "none":
        return v
    return tl.where(fired, value, v) if RESET == "to_value" else tl.where(fired, v - less, v)


@_compiled
def _scan_block(
    x, out, v_state, i_state, numbers, scale, bias, neurons, size, steps, scale_rows, scale_period,
    scale_repeat, bias_rows, bias_period, bias_repeat, INTEGRATE: tl.constexpr,
    CURRENT: tl.constexpr, FIRES: tl.constexpr, RESET: tl.constexpr, OUTPUT: tl.constexpr,
    SCALED: tl.constexpr, BIASED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """``x``, ``out``: (steps, neurons) with ``size`` neurons a slice; entry (t, m // repeat mod
    period) of the affine is that of neuron m; ``numbers``: v_decay, gain, k, v_leak, v_threshold,
    v_reset, v_subtract, i_decay, i_k. The choices are the words of ``neurosim.ir.neuron``."""
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = place < neurons
    element = place % size
    v = tl.load(v_state + place, mask=inside, other=0.0)
    i = tl.load(i_state + place, mask=inside, other=0.0)
    v_decay, gain, k = tl.load(numbers), tl.load(numbers + 1), tl.load(numbers + 2)
    leak, theta = tl.load(numbers + 3), tl.load(numbers + 4)
    value, less = tl.load(numbers + 5), tl.load(numbers + 6)
    i_decay, i_k = tl.load(numbers + 7), tl.load(numbers + 8)
    for t in range(steps):
        drive = tl.load(x + place, mask=inside, other=0.0)
        if SCALED:
            row = scale + scale_period * (t if scale_rows > 1 else 0)
            drive = drive * tl.load(row + element // scale_repeat % scale_period)
        if BIASED:
            row = bias + bias_period * (t if bias_rows > 1 else 0)
            drive = drive + tl.load(row + element // bias_repeat % bias_period)
        drive, i = _current(i, drive, i_decay, i_k, CURRENT)
        v = _charged(v, gain * drive, v_decay, k, leak, INTEGRATE)
        fired = _fires(v, theta, FIRES)
        v = _left(v, fired, value, less, RESET)
        found = v if OUTPUT == "v" else tl.where(fired, 1.0, 0.0)
        tl.store(out + place, found, mask=inside)
        x += neurons
        out += neurons
    tl.store(v_state + place, v, mask=inside)
    if CURRENT != "none":
        tl.store(i_state + place, i, mask=inside)


scan_block: Any = _scan_block
