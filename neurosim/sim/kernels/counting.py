"""Counts of active elements, and of pairs of active elements that meet in a product (counting
rules, 1 to 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import SimulationError
from neurosim.sim.kernels.events import Frames, frames
from neurosim.threads import spread
from neurosim.threads._fork import body, compiled, fork


@dataclass(frozen=True, eq=False)
class Activity:
    """Active elements, and Σ|n| where x = scale · n, per (N, groups, *spatial)."""

    active: np.ndarray  # int64
    units: np.ndarray | None  # int64


def count_active(
    x: np.ndarray, groups: int = 1, units: bool = False, scale: float = 1.0
) -> Activity:
    """Count the non-zero elements of x (N, C, *spatial) over each group of channels, in one pass;
    −0.0 is zero.

    Raises SimulationError: channels that do not divide into the groups.
    """
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise SimulationError(
            f"kernels.count_active: x of shape {x.shape} in {groups} groups; "
            "expects (N, C, *spatial)"
        )
    source = frames(x)
    shape = (x.shape[0], groups, *x.shape[2:])
    active = np.empty(shape, np.int64)
    total = np.empty(shape if units else (0,), np.int64)
    _count(source, groups, active.reshape(-1), total.reshape(-1), scale)
    return Activity(active, total if units else None)


def _count(
    source: Frames, groups: int, active: np.ndarray, units: np.ndarray, scale: float
) -> None:
    samples, channels = source.shape[:2]
    positions = active.size // max(samples * groups, 1)
    loop = _count_last_loop if source.channels_last else _count_planar_loop
    given = (source.flat, channels // groups, groups, positions, active, units, 1.0 / scale)
    spread(loop, samples * groups, source.flat.size, *given)


@body
def _count_last(begin, end, x, inputs, groups, positions, active, units, inverse):
    """(sample, group) pairs begin..end of x (N, positions, C)."""
    for task in range(begin, end):
        sample, group = task // groups, task % groups
        for position in range(positions):
            at = ((sample * positions + position) * groups + group) * inputs
            row = x[at : at + inputs]
            count = 0
            for k in range(inputs):
                count += row[k] != 0
            active[task * positions + position] = count
            if units.size:
                total = 0
                for k in range(inputs):
                    total += np.int64(np.rint(abs(row[k] * inverse)))
                units[task * positions + position] = total


@compiled
def _count_last_loop(start, threads, tasks, chunk, args):
    return fork(_count_last, start, threads, tasks, chunk, args)


@body
def _count_planar(begin, end, x, inputs, groups, positions, active, units, inverse):
    """(sample, group) pairs begin..end of x (N, C, positions)."""
    for task in range(begin, end):
        count = active[task * positions : (task + 1) * positions]
        count[:] = 0
        if units.size:
            units[task * positions : (task + 1) * positions] = 0
        for k in range(inputs):
            at = (task * inputs + k) * positions
            plane = x[at : at + positions]
            for p in range(positions):
                count[p] += plane[p] != 0
            if units.size:
                for p in range(positions):
                    units[task * positions + p] += np.int64(np.rint(abs(plane[p] * inverse)))


@compiled
def _count_planar_loop(start, threads, tasks, chunk, args):
    return fork(_count_planar, start, threads, tasks, chunk, args)


@dataclass(frozen=True, eq=False)
class Coincidence:
    """Per sample: triples (m, k, p) with both factors active, and Σ|a||b| over them; (N,) int64."""

    pairs: np.ndarray
    units: np.ndarray


def coincidence(
    a: np.ndarray, b: np.ndarray, scale_a: float = 1.0, scale_b: float = 1.0
) -> Coincidence:
    """Pairs that meet in a (N, M, K) · b (N, K, P): Σ_k (Σ_m [a ≠ 0]) (Σ_p [b ≠ 0]), and the same
    with |n|.

    Raises SimulationError: shapes that do not multiply.
    """
    if a.ndim != 3 or b.ndim != 3 or a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise SimulationError(
            f"kernels.coincidence: {a.shape} by {b.shape}; pass (N, M, K) and (N, K, P)"
        )
    left = count_active(a, units=True, scale=scale_a)
    right = count_active(b.swapaxes(1, 2), units=True, scale=scale_b)
    assert left.units is not None and right.units is not None
    return Coincidence(
        (left.active * right.active).sum((1, 2)), (left.units * right.units).sum((1, 2))
    )
