"""The neuron equation in one pass over steps and neurons: ``_neuron_scan``, bit for bit.

Blocks of neurons run in parallel; a block keeps its state and parameters in the first-level cache
while it walks through the steps, so memory is read and written once. The kernel itself is in
``_neuron_kernel``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.neuron import AFFINE, CHOICES, PARAMETERS, Neuron
from neurosim.ops._bits import Bits, same_order
from neurosim.ops._layout import layout_of
from neurosim.ops._neuron_arrays import affine_rows, fill, packed, parameter, steps_of, unflat
from neurosim.ops._neuron_scan import Arrays, check_arrays
from neurosim.ops._neuron_short import Asked, scan_short
from neurosim.threads import spread

VARIABLES = ("v", "i", "b", "rest")


_NO_WORDS = np.empty((0, 0), np.int64)


class Fused(NamedTuple):
    """``out``: (T, B, *shape) in the memory order of x, or bits; ``spikes``: int64 (T, B), sums of
    ``out``; ``membrane``: like ``out`` when asked for; ``state``: variable → (B, *shape); ``bits``:
    ``out`` once more, where they were to lie beside it."""

    out: np.ndarray | Bits
    state: dict[str, np.ndarray]
    spikes: np.ndarray
    membrane: np.ndarray | None
    bits: Bits | None = None


def scan_fused(
    neuron: Neuron,
    arrays: Arrays,
    x: np.ndarray,
    state: Mapping[str, np.ndarray] | None = None,
    *,
    first_step: int = 0,
    membrane: bool = False,
    bits_order: tuple[int, ...] | None = None,
    both: bool = False,
    overwrite: bool = False,
    plans: dict[Any, Any] | None = None,
) -> Fused:
    """What ``scan`` returns, as numpy arrays and bit for bit.

    ``x``: float32 (T, B, *shape) in any dense memory order, channels last and batch first included;
    plain neurons read slices with gaps between equal runs as they lie, another layout is copied
    once. ``bits_order``: emit the spikes (0 or 1) as bits where the
    slice's axes lie in this order, outermost first; ``both``: emit them beside the numbers, where
    that costs little; ``overwrite``: x may become the output; ``plans``: where the caller keeps
    what parameters alone decide. Raises SimulationError: arrays that do not fit.
    """
    from neurosim.ops._neuron_kernel import BLOCK, scan_rows_loop

    x = np.asarray(x, np.float32)
    if not membrane:
        asked = Asked(bits_order, both, overwrite)
        done = scan_short(neuron, arrays, x, state, first_step, asked, plans)
        if done is not None:
            return Fused(done.out, done.state, done.spikes, None, done.bits)
    layout = layout_of(x.shape, x.strides)
    if not layout.dense:
        x = np.ascontiguousarray(x)
        layout = layout_of(x.shape, x.strides)
    check_arrays(neuron, arrays, x.shape[2:], first_step + len(x))
    order, inner = layout.order, list(layout.inner)
    steps, samples = x.shape[:2]
    bits = bits_order is not None and same_order(inner, bits_order, x.shape[2:])
    out = Bits.empty(x.shape, tuple(inner)) if bits else np.empty_like(x)
    dense, words = (None, out.words) if isinstance(out, Bits) else (out, _NO_WORDS)
    held = _state(neuron, arrays, x, inner, state)
    rows, size = layout.rows(x.shape), held[0].shape[1]
    trace = np.empty_like(x) if membrane else None
    p = _parameters(neuron, arrays, x.shape[2:], inner, first_step, steps)
    spikes = np.zeros((samples * -(-size // BLOCK), steps), np.int64)
    walked, filled, traced = (_rows(a, order, size) for a in (x, dense, trace))
    spread(scan_rows_loop, len(spikes), x.size, walked, filled, words, traced, spikes, rows, held,
           *p, _form(neuron))  # fmt: skip
    final = {k: unflat(held[VARIABLES.index(k)], x.shape, inner) for k in neuron.state}
    return Fused(out, final, spikes.reshape(samples, -1, steps).sum(axis=1).T, trace)


class Recurrent(NamedTuple):
    """``out``: spikes (T, B, n); ``fired``: those of the last step; ``state`` as in ``Fused``."""

    out: np.ndarray
    state: dict[str, np.ndarray]
    fired: np.ndarray


class Feedback(NamedTuple):
    """Packed weights (out, in) of one group, their padded bias, and what sums are scaled by."""

    rows: np.ndarray
    tiles: np.ndarray
    bias: np.ndarray
    scale: float


def scan_recurrent(
    neuron: Neuron,
    arrays: Arrays,
    x: np.ndarray,
    back: Feedback,
    state: Mapping[str, np.ndarray] | None,
    fired: np.ndarray | None,
    first_step: int,
) -> Recurrent:
    """Neurons fed with x + W · (their own spikes one step ago); float32 (T, B, n).

    ``fired``: spikes (B, n) of the step before the first, None: none. Raises SimulationError:
    arrays that do not fit.
    """
    from neurosim.ops._recurrent_kernel import recurrent_rows_loop

    shape, inner = x.shape[2:], [0]
    check_arrays(neuron, arrays, shape, first_step + len(x))
    x = np.ascontiguousarray(x, np.float32)
    out, held = np.empty_like(x), _state(neuron, arrays, x, inner, state)
    last = np.zeros(x.shape[1:], np.float32) if fired is None else fired.copy()
    p = _parameters(neuron, arrays, shape, inner, first_step, len(x))
    matrix = (back.rows, back.tiles, back.bias, np.float32(back.scale))
    spread(recurrent_rows_loop, x.shape[1], x.size * shape[0], x, out, *matrix, held, last, *p,
           _form(neuron))  # fmt: skip
    final = {k: unflat(held[VARIABLES.index(k)], x.shape, inner) for k in neuron.state}
    return Recurrent(out, final, last)


def scan_tensor(
    neuron: Neuron,
    arrays: Arrays,
    x: Tensor,
    state: Mapping[str, Tensor] | None = None,
    *,
    first_step: int = 0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """``scan_fused`` with the signature of ``scan``, for tensors on the CPU; memory is shared, not
    copied."""
    plain = {k: a.numpy(force=True) if isinstance(a, Tensor) else a for k, a in arrays.items()}
    given = None if state is None else {k: s.numpy(force=True) for k, s in state.items()}
    done = scan_fused(neuron, plain, x.numpy(force=True), given, first_step=first_step)
    assert isinstance(done.out, np.ndarray)
    return torch.from_numpy(done.out), {k: torch.from_numpy(s) for k, s in done.state.items()}


def _rows(x: np.ndarray | None, order: tuple[int, ...], size: int) -> np.ndarray:
    """Memory as rows of one slice of one sample each (none: no rows)."""
    return np.empty((0, 0), np.float32) if x is None else x.transpose(order).reshape(-1, size)


class Parameters(NamedTuple):
    """What the kernels read: values in memory order, those of the affine, and how often each entry
    repeats (parameters first)."""

    values: tuple[np.ndarray, ...]
    affine: tuple[np.ndarray, ...]
    repeats: np.ndarray


def _parameters(
    neuron: Neuron,
    arrays: Arrays,
    shape: tuple[int, ...],
    inner: list[int],
    first: int,
    steps: int,
) -> Parameters:
    from neurosim.ops._neuron_kernel import LOADED

    found = [packed(parameter(neuron, arrays, name), shape, inner) for name in PARAMETERS[:LOADED]]
    affine = [
        affine_rows(steps_of(arrays.get(role), first, steps), shape, inner) for role in AFFINE
    ]
    repeats = np.array([repeat for _, repeat in found + affine])
    return Parameters(tuple(v for v, _ in found), tuple(v for v, _ in affine), repeats)


def _state(neuron: Neuron, arrays: Arrays, x: np.ndarray, inner: list[int],
           state: Mapping[str, np.ndarray] | None,
           used: tuple[str, ...] = VARIABLES) -> tuple[np.ndarray, ...]:  # fmt: skip
    """v, i, b, rest (those ``used``) as float32 (B, neurons) of our own; variables the neuron lacks
    stay empty rows of zeros."""
    samples, shape = x.shape[1], x.shape[2:]
    size, has = math.prod(shape), neuron.state
    held: list[np.ndarray] = []
    for name in used:
        lacks, init = name not in has, f"{name}_init"
        own = np.zeros((samples, 1 if lacks else size), np.float32)
        held.append(own)
        if lacks or (state is None and name == "rest"):
            continue
        if state is not None:
            fill(own, np.asarray(state[name], np.float32), shape, inner)
        elif init in arrays or getattr(neuron, init):
            fill(own, np.asarray(parameter(neuron, arrays, init), np.float32), shape, inner)
    return tuple(held)


def _form(n: Neuron) -> tuple[int, ...]:
    """The equation's choices as integers, in the order that the kernel unpacks."""
    codes = [allowed.index(getattr(n, name)) for name, allowed in CHOICES.items()]
    return (
        *codes,
        0 if n.max_spikes is None else n.max_spikes,
        int(n.adaptation),
        n.refractory,
        int(n.v_min is not None),
    )
