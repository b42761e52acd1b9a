"""Plain neurons (one number for each parameter, no current, no adaptation): ``_neuron_scan``, bit
for bit, in one pass.

What most trained networks are made of: IF, LIF and PLIF with an affine in front. The plan of a node
is made once and serves every chunk. The kernel is in ``_neuron_short_kernel``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from neurosim.ir.neuron import AFFINE, CHOICES, Neuron
from neurosim.ops._bits import WORD, Bits, same_order
from neurosim.ops._layout import Layout, inverse, layout_of
from neurosim.ops._neuron_arrays import fill, parameter, unflat
from neurosim.ops._neuron_scan import Arrays, check_arrays
from neurosim.ops._tiles import Tiles, tiles
from neurosim.threads import spread

LEAST_RUN = 16  # shorter runs between gaps are copied together first
BLOCK = 4096  # neurons: their membranes stay in the first-level cache from step to step
USED = ("gain", "k", "v_leak", "v_threshold", "v_reset", "v_subtract")


class Plan(NamedTuple):
    """``numbers``: gain, k or decay, rest, threshold, reset value and subtrahend; ``form``:
    integrate, fires at the threshold, resets, resets to a value."""

    affine: Tiles
    numbers: tuple[np.float32, ...]
    form: tuple[int, ...]
    block: int  # neurons of a task


def plain(n: Neuron) -> bool:
    """Whether an equation is one of these."""
    simple = n.current == "none" and n.reset_at == "now" and n.max_spikes == 1 and n.v_min is None
    leaks = n.integrate != "leak_only" and n.leak == "multiply"
    rest = not n.adaptation and not n.refractory and n.output == "spike" and n.fires != "never"
    return simple and leaks and rest


def plan(
    neuron: Neuron,
    arrays: Arrays,
    shape: tuple[int, ...],
    inner: list[int],
    bits: bool,
    run: int = 0,
) -> Plan | None:
    """How to run it; None where another kernel must. ``inner``: the slice's axes in memory order;
    ``run``: elements side by side, where a slice has gaps (0: it has none)."""
    if not plain(neuron):
        return None
    names = ("v_decay" if n == "k" and neuron.integrate == "decay" else n for n in USED)
    values = [np.asarray(parameter(neuron, arrays, name), np.float32) for name in names]
    one = all(np.size(a) == len(a) for role, a in arrays.items() if role in AFFINE)
    affine = tiles(arrays, shape, inner, runs=not bits and not one and not run, unit=run)
    if affine is None or any(value.size != 1 for value in values):
        return None
    numbers = tuple(np.float32(value.reshape(-1)[0]) for value in values)
    form = (CHOICES["integrate"].index(neuron.integrate), int(neuron.fires == ">="),
            int(neuron.reset != "none"), int(neuron.reset == "to_value"))  # fmt: skip
    block = affine.unit * max(1, BLOCK // affine.unit) if affine.tiled else BLOCK
    return Plan(affine, numbers, form, block)


def readable(x: Tensor, neuron: Neuron, bits: bool) -> bool:
    """Whether it can be walked through as it lies; ``bits``: bits alone may be wanted of it."""
    layout = layout_of(tuple(x.shape), tuple(4 * s for s in x.stride()))
    return layout.dense or (layout.run >= LEAST_RUN and plain(neuron) and not bits)


class Asked(NamedTuple):
    """See ``scan_fused``."""

    bits_order: tuple[int, ...] | None
    both: bool
    overwrite: bool


class Way(NamedTuple):
    """How memory of one layout is walked: ``bits`` alone or beside numbers (``both``); ``rests``:
    fresh membranes are 0."""

    plan: Plan
    layout: Layout
    bits: bool
    both: bool
    rests: bool


class Done(NamedTuple):
    """``out``, ``state``, ``spikes`` and ``bits`` of ``Fused``."""

    out: np.ndarray | Bits
    state: dict[str, np.ndarray]
    spikes: np.ndarray
    bits: Bits | None


_NO_WORDS, _NO_NUMBERS = np.empty(0, np.int64), np.empty(0, np.float32)


def scan_short(
    neuron: Neuron,
    arrays: Arrays,
    x: np.ndarray,
    state: Mapping[str, np.ndarray] | None,
    first_step: int,
    asked: Asked,
    plans: dict[Any, Any] | None,
) -> Done | None:
    """``scan_fused`` of plain neurons; None of others. ``x``: slices with gaps are read as they
    are, where they are equal runs."""
    if not plain(neuron):
        return None
    layout = layout_of(x.shape, x.strides)
    if not layout.dense:
        asked = asked._replace(overwrite=False)
    way = _way(neuron, arrays, x.shape, layout, asked, first_step + x.shape[0], plans)
    if way is None and not layout.dense:
        x, asked = np.ascontiguousarray(x), asked._replace(overwrite=True)
        return scan_short(neuron, arrays, x, state, first_step, asked, plans)
    return None if way is None else _walk(way, neuron, arrays, x, state, first_step, asked)


def _way(
    neuron: Neuron,
    arrays: Arrays,
    shape: tuple[int, ...],
    layout: Layout,
    asked: Asked,
    last: int,
    plans: dict[Any, Any] | None,
) -> Way | None:
    """The one that was found the time before, where nothing changed. ``last``: the step behind the
    last."""
    key = (shape, layout, asked)
    known, way = (None, None) if plans is None else plans.get("way", (None, None))
    if known == key and (way is None or way.plan.affine.lasts(last)):
        return way
    check_arrays(neuron, arrays, shape[2:], last)
    way = _new_way(neuron, arrays, shape[2:], layout, asked, {} if plans is None else plans)
    if plans is not None:
        plans["way"] = key, way
    return way


def _new_way(
    neuron: Neuron,
    arrays: Arrays,
    shape: tuple[int, ...],
    layout: Layout,
    asked: Asked,
    plans: dict[Any, Any],
) -> Way | None:
    inner, order = layout.inner, asked.bits_order
    bits = order is not None and same_order(inner, order, shape)
    if not layout.dense and (bits or layout.run < LEAST_RUN):
        return None
    run = 0 if layout.dense else layout.run
    key = (*inner, bits, run)
    if key not in plans:
        plans[key] = plan(neuron, arrays, shape, list(inner), bits, run)
    found = plans[key]
    if found is None:
        return None
    both = asked.both and not bits and found.affine.tiled and layout.dense
    return Way(found, layout, bits, both, not ("v_init" in arrays or neuron.v_init))


def _walk(
    way: Way,
    neuron: Neuron,
    arrays: Arrays,
    x: np.ndarray,
    state: Mapping[str, np.ndarray] | None,
    first_step: int,
    asked: Asked,
) -> Done:
    from neurosim.ops._neuron_short_kernel import short_rows_loop

    (steps, samples), layout, plan = x.shape[:2], way.layout, way.plan
    size, inner = math.prod(x.shape[2:]), layout.inner
    bits = Bits.empty(x.shape, inner) if way.bits or way.both else None
    out = None if way.bits else _like(x, layout, asked.overwrite)
    v = np.zeros((samples, size), np.float32)
    if state is not None:
        fill(v, np.asarray(state["v"], np.float32), x.shape[2:], inner)
    elif not way.rests:
        first = np.asarray(parameter(neuron, arrays, "v_init"), np.float32)
        fill(v, first, x.shape[2:], inner)
    spikes = np.empty((samples * -(-size // plan.block), steps), np.int64)
    source = x.transpose(layout.order).reshape(-1) if layout.dense else _span(x)
    into = _NO_NUMBERS if out is None else out.transpose(layout.order).reshape(-1)
    unit, (scale, bias) = plan.affine.unit, plan.affine.steps(first_step, steps)
    apart = (*layout.rows(x.shape), samples, layout.step, layout.sample,
             unit if layout.dense else layout.pitch)  # fmt: skip
    arguments = (
        *(plan.block, source, into),
        *(_NO_WORDS if bits is None else bits.words.reshape(-1), -(-size // WORD), spikes, apart),
        *(v.reshape(-1), (scale.reshape(-1), bias.reshape(-1), scale.shape[1]), unit),
        *(plan.affine.tiled, plan.numbers, plan.form),
    )
    spread(short_rows_loop, len(spikes), x.size, *arguments)
    if len(spikes) == samples:
        counted = spikes.T
    else:
        counted = spikes.reshape(samples, -1, steps).sum(axis=1).T
    final = {"v": unflat(v, x.shape, inner)}
    if out is None:
        assert bits is not None
        return Done(bits, final, counted, None)
    return Done(out, final, counted, bits)


def _like(x: np.ndarray, layout: Layout, overwrite: bool) -> np.ndarray:
    """x itself, or room for as much in the same order of axes."""
    if layout.dense:
        return x if overwrite else np.empty_like(x)
    room = np.empty([x.shape[a] for a in layout.order], np.float32)
    return room.transpose(inverse(layout.order))


def _span(x: np.ndarray) -> np.ndarray:
    """All the memory from the first to the last element of x."""
    length = 1 + sum((n - 1) * s // 4 for n, s in zip(x.shape, x.strides, strict=True))
    return np.lib.stride_tricks.as_strided(x, (length,), (4,))  # (read-only: compiled twice)
