"""Plain neurons (one number for each parameter, no current, no adaptation): ``_neuron_scan``, bit
for bit, in one pass.

What most trained networks are made of: IF, LIF and PLIF with an affine in front. The plan of a node
is made once and serves every chunk. The kernel is in ``_neuron_short_kernel``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.ir.neuron import AFFINE, CHOICES, Neuron
from neurosim.ops._neuron_arrays import parameter
from neurosim.ops._neuron_scan import Arrays
from neurosim.ops._tiles import Tiles, tiles
from neurosim.threads import spread

BLOCK = 4096  # neurons: their membranes stay in the first-level cache from step to step
USED = ("gain", "k", "v_leak", "v_threshold", "v_reset", "v_subtract")


class Plan(NamedTuple):
    """``numbers``: gain, k or decay, rest, threshold, reset value and subtrahend; ``form``:
    integrate, fires at the threshold, resets, resets to a value."""

    affine: Tiles
    numbers: tuple[np.float32, ...]
    form: tuple[int, ...]

    @property
    def block(self) -> int:
        """Neurons of a task."""
        unit = self.affine.unit
        return unit * max(1, BLOCK // unit) if self.affine.tiled else BLOCK


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
    one = all(np.size(a) == len(a) for role, a in arrays.items() if role in AFFINE)
    affine = tiles(arrays, shape, inner, runs=not bits and not one)
    if affine is None or any(value.size != 1 for value in values):
        return None
    numbers = tuple(np.float32(value.reshape(-1)[0]) for value in values)
    form = (CHOICES["integrate"].index(neuron.integrate), int(neuron.fires == ">="),
            int(neuron.reset != "none"), int(neuron.reset == "to_value"))  # fmt: skip
    return Plan(affine, numbers, form)


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
    """Fill ``out`` or ``words`` or both from the rows of x, move ``v`` (B, neurons) to the last
    step; spikes: int64 (T, B). ``rows``: from a step to the next and from a sample to the next."""
    from neurosim.ops._neuron_short_kernel import short_rows_loop

    samples, size = v.shape
    affine = plan.affine
    spikes = np.empty((samples * -(-size // plan.block), steps), np.int64)
    arguments = (
        *(plan.block, x.reshape(-1), out.reshape(-1), words, spikes, (*rows, samples)),
        *(v.reshape(-1), affine.steps(first_step, steps), affine.unit, affine.tiled),
        *(plan.numbers, plan.form),
    )
    spread(short_rows_loop, len(spikes), x.size, *arguments)
    if len(spikes) == samples:
        return spikes.T
    return spikes.reshape(samples, -1, steps).sum(axis=1).T
