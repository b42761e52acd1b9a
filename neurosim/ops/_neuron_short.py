"""Plain neurons (one number for each parameter, no current, no adaptation): ``_neuron_scan``, bit
for bit, in one pass.

What most trained networks are made of: IF, LIF and PLIF with an affine in front. The plan of a node
is made once and serves every chunk. The kernel is in ``_neuron_short_kernel``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch

from neurosim.ir.neuron import AFFINE, CHOICES, Neuron
from neurosim.ops._neuron_arrays import affine_rows, parameter
from neurosim.ops._neuron_scan import Arrays
from neurosim.threads import run_ranges

SMALL = 200_000  # neuron-steps: below, waking a thread costs more than it saves
BLOCK = 4096  # neurons: their membranes stay in the first-level cache from step to step
TILE = 512  # least length over which a repeated affine is written out
RUN = 48  # shorter runs of one channel are written out
MOST_WRITTEN = 2**22  # numbers of an affine that is written out for every neuron
IDENTITY = (1.0, -0.0)  # x · 1 + (−0) is x, signed zeros included
USED = ("gain", "k", "v_leak", "v_threshold", "v_reset", "v_subtract")


class Plan(NamedTuple):
    """``affine``: scale and bias (1 or T, P), side by side for ``unit`` neurons where ``tiled``,
    else an entry for ``unit`` neurons each; ``numbers``: gain, k or decay, rest, threshold, reset
    value and subtrahend; ``form``: integrate, fires at the threshold, resets, resets to a value."""

    affine: tuple[np.ndarray, np.ndarray]
    unit: int
    tiled: bool
    numbers: tuple[np.float32, ...]
    form: tuple[int, ...]

    @property
    def block(self) -> int:
        """Neurons of a task."""
        return self.unit * max(1, BLOCK // self.unit) if self.tiled else BLOCK


def plain(n: Neuron) -> bool:
    """Whether an equation is one of these."""
    simple = n.current == "none" and n.reset_at == "now" and n.max_spikes == 1 and n.v_min is None
    leaks = n.integrate != "leak_only" and n.leak == "multiply"
    rest = not n.adaptation and not n.refractory and n.output == "spike" and n.fires != "never"
    return simple and leaks and rest


def plan(
    neuron: Neuron, arrays: Arrays, shape: tuple[int, ...], inner: list[int], bits: bool
) -> Plan | None:
    """How to run it; None where another kernel must. ``inner``: the slice's axes in memory
    order."""
    if not plain(neuron):
        return None
    names = ("v_decay" if n == "k" and neuron.integrate == "decay" else n for n in USED)
    values = [np.asarray(parameter(neuron, arrays, name), np.float32) for name in names]
    affine = _affine(arrays, shape, inner)
    if affine is None or any(value.size != 1 for value in values):
        return None
    scale, bias, repeat = affine
    numbers = tuple(np.float32(value.reshape(-1)[0]) for value in values)
    form = (CHOICES["integrate"].index(neuron.integrate), int(neuron.fires == ">="),
            int(neuron.reset != "none"), int(neuron.reset == "to_value"))  # fmt: skip
    size, width = math.prod(shape), scale.shape[1]
    if not bits and repeat >= min(size, RUN):
        return Plan((scale, bias), repeat, False, numbers, form)
    repeat = 1 if width == 1 else repeat
    unit = _unit(width * repeat, size)
    if unit is None or unit * len(scale) > MOST_WRITTEN:
        return None
    written = (_written(scale, repeat, unit), _written(bias, repeat, unit))
    return Plan(written, unit, True, numbers, form)


def kept_plan(
    neuron: Neuron,
    arrays: Arrays,
    shape: tuple[int, ...],
    inner: list[int],
    bits: bool,
    plans: dict[Any, Any] | None,
) -> Plan | None:
    """``plan``, made once where plans are kept."""
    if plans is None:
        return plan(neuron, arrays, shape, inner, bits)
    key = (*inner, bits)
    if key not in plans:
        plans[key] = plan(neuron, arrays, shape, inner, bits)
    return plans[key]


def run_short(
    plan: Plan,
    x: np.ndarray,
    out: np.ndarray,
    words: np.ndarray,
    rows: tuple[int, int],
    v: np.ndarray,
    first_step: int,
    steps: int,
) -> np.ndarray:
    """Fill ``out`` or else ``words`` from the rows of x, move ``v`` (B, neurons) to the last step;
    spikes: int64 (T, B). ``rows``: from a step to the next and from a sample to the next."""
    from neurosim.ops._neuron_short_kernel import short_rows

    samples, size = v.shape
    scale, bias = (a[first_step : first_step + steps] if len(a) > 1 else a for a in plan.affine)
    spikes = np.empty((samples * -(-size // plan.block), steps), np.int64)
    arguments = (
        *(plan.block, x.reshape(-1), out.reshape(-1), words, spikes, (*rows, samples)),
        *(v.reshape(-1), (scale, bias), plan.unit, plan.tiled, plan.numbers, plan.form),
    )
    run_ranges(
        lambda first, last: short_rows(first, last, *arguments), len(spikes), x.size,
        torch.get_num_threads(), SMALL,
    )  # fmt: skip
    return spikes.reshape(samples, -1, steps).sum(axis=1).T


def _affine(
    arrays: Arrays, shape: tuple[int, ...], inner: list[int]
) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Scale and bias as rows of equal length, and how many neurons share an entry; None where they
    vary along different axes."""
    found = [affine_rows(arrays.get(role), shape, inner) for role in AFFINE]
    given = [(values, repeat) for values, repeat in found if values.size > len(values)]
    if len({(values.shape[1], repeat) for values, repeat in given}) > 1:
        return None
    width, repeat = (given[0][0].shape[1], given[0][1]) if given else (1, math.prod(shape))
    rows = max(len(values) for values, _ in found)
    made = [
        np.ascontiguousarray(np.broadcast_to(
            values if values.size else np.full((1, 1), none, np.float32), (max(1, rows), width)))
        for (values, _), none in zip(found, IDENTITY, strict=True)
    ]  # fmt: skip
    return made[0], made[1], repeat


def _unit(period: int, size: int) -> int | None:
    """A multiple of the period and of 64, or all neurons; None: that would be too long."""
    if period >= size:
        return size
    whole = math.lcm(period, 64)
    unit = whole * -(-TILE // whole)
    return size if unit >= size else unit if unit <= 4 * BLOCK else None


def _written(values: np.ndarray, repeat: int, unit: int) -> np.ndarray:
    """Rows side by side for ``unit`` neurons."""
    each = np.repeat(values, repeat, axis=1)[:, :unit]
    return np.ascontiguousarray(np.tile(each, (1, -(-unit // each.shape[1])))[:, :unit])
