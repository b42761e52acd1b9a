"""The compiled scan: each stage of ``neurosim.ir.neuron`` is one loop over a block of neurons.

The form of the equation is a tuple of integers and is looked at outside the loops: one compilation
serves every neuron and the loops vectorise (both sides of a choice are loaded before it; slices are
not assigned, which is a slow path of numba). No fastmath: nothing is reordered, no product is fused
with a sum. Import this module where it is used: it imports numba.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from neurosim.ops._bits_kernel import active_word
from neurosim.ops._vectors import ones
from neurosim.threads._fork import compiled, fork, roomy_body

BLOCK = 960  # neurons; rows of 60 cache lines, so that buffers do not share the same sets; 15 words
# positions in neurosim.ir.neuron.PARAMETERS; the initial values, which follow, are not needed here
(
    V_DECAY,
    GAIN,
    K,
    TAU,
    V_LEAK,
    V_THRESHOLD,
    V_RESET,
    V_SUBTRACT,
    V_MIN,
    I_DECAY,
    I_K,
    B_K,
    B_JUMP,
) = range(13)
LOADED = 13
# positions in the form: neurosim.ir.neuron.CHOICES, then numbers
(
    INTEGRATE,
    LEAK,
    FIRES,
    RESET,
    RESET_AT,
    CURRENT,
    OUTPUT,
    MAX_SPIKES,
    ADAPTATION,
    REFRACTORY,
    CLAMPED,
) = range(11)
DECAY, ADD_LEAK, LEAK_ADD, DIFFERENCE, LEAK_ONLY = range(5)
GREATER, AT_LEAST, NEVER = range(3)
TO_VALUE, SUBTRACT, NO_RESET = range(3)
NOW, BEFORE, AFTER, CARRIED = range(4)
NO_CURRENT, JUMP_FIRST, DECAY_FIRST, JUMP_DECAY, DELAYED = range(5)
V, CURRENT_STATE, B, REST = range(4)  # positions of the state variables
ZERO, ONE = np.float32(0), np.float32(1)

_compile: Any = nb.njit
_stage = _compile(
    cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False
)


@roomy_body
def scan_rows(first, last, x, out, bits, trace, spikes, rows, held, params, affine, repeats, form):
    """Walk tasks first … last − 1, each a block of neurons of one sample, through all steps.

    Holds no lock. Fills ``bits`` or else ``out``, ``trace`` and ``spikes`` (tasks, steps), moves
    ``held`` (v, i, b, rest) to the last step. ``x``: rows of one slice of one sample each;
    ``rows``: distance in rows between steps and between samples.
    """
    size = x.shape[1]
    blocks = (size + BLOCK - 1) // BLOCK
    p = np.empty((LOADED, BLOCK), np.float32)
    buffers = np.empty((5, BLOCK), np.float32)
    for task in range(first, last):
        sample, lo = task // blocks, (task % blocks) * BLOCK
        hi = min(lo + BLOCK, size)
        for k in range(LOADED):
            _load(p[k, : hi - lo], params[k], repeats[k], lo)
        v, i = held[V][sample, lo:hi], held[CURRENT_STATE][sample, lo:hi]
        b, rest = held[B][sample, lo:hi], held[REST][sample, lo:hi]
        u, z, theta = buffers[0, : hi - lo], buffers[1, : hi - lo], buffers[2, : hi - lo]
        pending, before = buffers[3, : hi - lo], buffers[4, : hi - lo]
        _emit(theta, p[V_THRESHOLD, : hi - lo])
        for t in range(spikes.shape[1]):
            row = t * rows[0] + sample * rows[1]
            if form[REFRACTORY] > 0:
                _emit(before, v)
            _input(u, x[row, lo:hi], affine, repeats, t, lo, z)
            _charge(v, i, u, theta, pending, p, form)
            _discharge(v, b, rest, z, theta, pending, before, p, form)
            if bits.size:
                _pack(bits[t * held[V].shape[0] + sample, lo // 64 : (hi + 63) // 64], z)
            else:
                _emit(out[row, lo:hi], v if form[OUTPUT] else z)
            if trace.size:
                _emit(trace[row, lo:hi], v)
            if form[OUTPUT] == 0:
                spikes[task, t] = _sum(z)


@compiled
def scan_rows_loop(start, threads, tasks, chunk, args):
    return fork(scan_rows, start, threads, tasks, chunk, args)


@_stage
def _charge(v, i, u, theta, pending, p, form):
    if form[RESET_AT] != NOW:
        _fire(pending, v, theta, form[FIRES])
    if form[RESET_AT] == BEFORE:
        _clear(v, pending, p, form[RESET])
    _current(u, i, p, form[CURRENT])
    _integrate(v, u, p, form[INTEGRATE], form[LEAK])
    if form[RESET_AT] == AFTER or form[RESET_AT] == CARRIED:
        _clear(v, pending, p, form[RESET])


@_stage
def _discharge(v, b, rest, z, theta, pending, before, p, form):
    if form[ADAPTATION]:
        _adapt(theta, b, p)
    if form[MAX_SPIKES] == 1:
        _fire(z, v, theta, form[FIRES])
    else:
        _fire_many(z, v, theta, form[MAX_SPIKES])
    if form[REFRACTORY] > 0:
        _hold(v, theta, z, before, b, rest, form[REFRACTORY], form[ADAPTATION])
    if form[RESET_AT] == NOW or form[RESET_AT] == CARRIED:
        _reset(v, z, pending, p, form[RESET], form[RESET_AT])
    if form[ADAPTATION]:
        _jump(b, theta, z, p)
    if form[CLAMPED]:
        _clamp(v, p)


@_stage
def _load(into, values, repeat, lo):
    """into[j] = values[((lo + j) // repeat) mod values.size], a run at a time."""
    n, period, j = into.size, values.size, 0
    if period == 1:
        _fill(into, values[0])
        return
    while j < n:
        at = lo + j
        if repeat == 1:
            first = at % period
            run = min(n - j, period - first)
            _emit(into[j : j + run], values[first : first + run])
        else:
            run = min(n - j, repeat - at % repeat)
            _fill(into[j : j + run], values[(at // repeat) % period])
        j += run


@_stage
def _fill(into, value):
    for j in range(into.size):
        into[j] = value


@_stage
def _emit(into, values):
    for j in range(into.size):
        into[j] = values[j]


@_stage
def _pack(words, z):
    total = np.int64(0)
    for k in range(words.size):
        words[k] = active_word(z, 64 * k, z.size - 64 * k)
        total += ones(words[k])
    return total


@_stage
def _sum(z):
    total = 0
    for j in range(z.size):
        total += np.int32(z[j])
    return total


@_stage
def _input(u, x, affine, repeats, t, lo, buffer):
    scale, bias = affine
    for j in range(u.size):
        u[j] = x[j]
    if scale.size:
        _load(buffer, scale[t if scale.shape[0] > 1 else 0], repeats[LOADED], lo)
        for j in range(u.size):
            u[j] = u[j] * buffer[j]
    if bias.size:
        _load(buffer, bias[t if bias.shape[0] > 1 else 0], repeats[LOADED + 1], lo)
        for j in range(u.size):
            u[j] = u[j] + buffer[j]


@_stage
def _current(u, i, p, form):
    decay, k = p[I_DECAY], p[I_K]
    if form == JUMP_FIRST:
        for j in range(u.size):
            jump = i[j] + u[j]
            i[j] = jump - k[j] * jump
            u[j] = jump
    elif form == DECAY_FIRST:
        for j in range(u.size):
            i[j] = decay[j] * i[j] + u[j]
            u[j] = i[j]
    elif form == JUMP_DECAY:
        for j in range(u.size):
            i[j] = decay[j] * (i[j] + u[j])
            u[j] = i[j]
    elif form == DELAYED:
        for j in range(u.size):
            drive = i[j]
            i[j] = (drive - k[j] * drive) + u[j]
            u[j] = drive


@_stage
def _integrate(v, u, p, form, divide):
    gain, rest = p[GAIN], p[V_LEAK]
    for j in range(v.size):
        u[j] = gain[j] * u[j]
    if form == DECAY:
        decay = p[V_DECAY]
        for j in range(v.size):
            v[j] = decay[j] * v[j] + u[j]
        return
    if form == LEAK_ONLY:
        _leak_only(v, u, p, divide)
        return
    _drive(v, u, rest, form)
    _leak(u, p, divide)
    for j in range(v.size):
        v[j] = v[j] + u[j]


@_stage
def _drive(v, u, rest, form):
    if form == ADD_LEAK:
        for j in range(v.size):
            u[j] = (u[j] + rest[j]) - v[j]
    elif form == LEAK_ADD:
        for j in range(v.size):
            u[j] = (rest[j] - v[j]) + u[j]
    else:
        for j in range(v.size):
            u[j] = u[j] - (v[j] - rest[j])


@_stage
def _leak(y, p, divide):
    k, tau = p[K], p[TAU]
    if divide:
        for j in range(y.size):
            y[j] = y[j] / tau[j]
    else:
        for j in range(y.size):
            y[j] = k[j] * y[j]


@_stage
def _leak_only(v, u, p, divide):
    k, tau, rest = p[K], p[TAU], p[V_LEAK]
    if divide:
        for j in range(v.size):
            v[j] = (v[j] - (v[j] - rest[j]) / tau[j]) + u[j]
    else:
        for j in range(v.size):
            v[j] = (v[j] - k[j] * (v[j] - rest[j])) + u[j]


@_stage
def _adapt(theta, b, p):
    k, base = p[B_K], p[V_THRESHOLD]
    for j in range(b.size):
        theta[j] = b[j] + k[j] * (base[j] - b[j])


@_stage
def _jump(b, theta, z, p):
    jump = p[B_JUMP]
    for j in range(b.size):
        kept = theta[j]
        raised = kept + jump[j]
        b[j] = raised if z[j] > ZERO else kept


@_stage
def _fire(z, v, theta, fires):
    if fires == GREATER:
        for j in range(z.size):
            z[j] = ONE if v[j] > theta[j] else ZERO
    elif fires == AT_LEAST:
        for j in range(z.size):
            z[j] = ONE if v[j] >= theta[j] else ZERO
    else:
        _fill(z, ZERO)


@_stage
def _fire_many(z, v, theta, most):
    for j in range(z.size):
        many = np.trunc(v[j] / theta[j])
        z[j] = many if v[j] > ZERO else ZERO
    if most > 0:
        limit = np.float32(most)
        for j in range(z.size):
            z[j] = limit if z[j] > limit else z[j]


@_stage
def _hold(v, theta, z, before, b, rest, steps, adaptation):
    for j in range(v.size):
        if rest[j] > ZERO:
            v[j], z[j], rest[j] = before[j], ZERO, rest[j] - ONE
            if adaptation:
                theta[j] = b[j]
        elif z[j] > ZERO:
            rest[j] = np.float32(steps)


@_stage
def _clear(v, pending, p, reset):
    value, minus = p[V_RESET], p[V_SUBTRACT]
    if reset == TO_VALUE:
        for j in range(v.size):
            cleared, kept = value[j], v[j]
            v[j] = cleared if pending[j] > ZERO else kept
    elif reset == SUBTRACT:
        for j in range(v.size):
            kept = v[j]
            cleared = kept - minus[j]
            v[j] = cleared if pending[j] > ZERO else kept


@_stage
def _reset(v, z, pending, p, reset, at):
    value, minus = p[V_RESET], p[V_SUBTRACT]
    if reset == TO_VALUE:
        for j in range(v.size):
            cleared, kept = value[j], v[j]
            v[j] = cleared if z[j] > ZERO else kept
    elif reset == SUBTRACT and at == CARRIED:
        for j in range(v.size):
            v[j] = v[j] - (z[j] - pending[j]) * minus[j]
    elif reset == SUBTRACT:
        for j in range(v.size):
            v[j] = v[j] - z[j] * minus[j]


@_stage
def _clamp(v, p):
    least = p[V_MIN]
    for j in range(v.size):
        above = v[j] - least[j]
        v[j] = (above if above > ZERO else ZERO) + least[j]
