"""Parameters of neurons in the memory order of what the kernels walk through."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from neurosim.ir.neuron import Neuron
from neurosim.ops._neuron_scan import Arrays, trim


def parameter(neuron: Neuron, arrays: Arrays, name: str) -> np.ndarray | float:
    """An array where one is given, else the equation's number; 0 for what it lacks."""
    value = arrays.get(name, getattr(neuron, name))
    if value is None and name == "v_subtract":
        return parameter(neuron, arrays, "v_threshold")
    return 0.0 if value is None else value


def packed(
    value: np.ndarray | float, shape: tuple[int, ...], inner: list[int]
) -> tuple[np.ndarray, int]:
    """A parameter as float32 (P,) and R: neuron m, in the memory order of the slice, has entry (m
    // R) mod P."""
    if isinstance(value, float):
        return np.full(1, value, np.float32), 1
    array = np.asarray(value, np.float32)
    if array.size == 1:
        return array.reshape(1), 1
    sizes = trim(array.shape, len(shape))
    array = array.reshape((1,) * (len(shape) - len(sizes)) + sizes)
    varying = [a for a in range(len(shape)) if array.shape[a] > 1]
    if len(varying) == 1:
        within = inner[inner.index(varying[0]) + 1 :]
        return np.ascontiguousarray(array.reshape(-1)), int(
            np.prod([shape[a] for a in within], dtype=np.int64)
        )
    return np.ascontiguousarray(np.broadcast_to(array, shape).transpose(inner)).reshape(-1), 1


def steps_of(rows: np.ndarray | None, first: int, steps: int) -> np.ndarray | None:
    """Rows of an affine, (1 or T, …), for the steps at hand."""
    return rows if rows is None or rows.shape[0] == 1 else rows[first : first + steps]


def affine_rows(
    rows: np.ndarray | None, shape: tuple[int, ...], inner: list[int]
) -> tuple[np.ndarray, int]:
    """(1 or T, P) and R; (0, 0) without one."""
    if rows is None:
        return np.empty((0, 0), np.float32), 1
    varying = [a for a in range(1, rows.ndim) if rows.shape[a] > 1]
    if len(varying) <= 1 and rows.ndim == len(shape) + 1:  # one number a channel, in all the rows
        within = inner[inner.index(varying[0] - 1) + 1 :] if varying else []
        repeat = math.prod(shape[a] for a in within)
        return np.ascontiguousarray(rows.reshape(len(rows), -1), np.float32), repeat
    each = [packed(row, shape, inner) for row in rows]
    return np.stack([values for values, _ in each]), each[0][1]


def fill(own: np.ndarray, value: np.ndarray, shape: tuple[int, ...], inner: Sequence[int]) -> None:
    """Write ``value``, broadcastable to (B, *shape), into rows in memory order."""
    value = value.reshape(trim(value.shape, len(shape) + 1))
    given = np.broadcast_to(value, (own.shape[0], *shape))
    own[:] = given.transpose(0, *(a + 1 for a in inner)).reshape(own.shape)


def unflat(flat: np.ndarray, shape: tuple[int, ...], inner: Sequence[int]) -> np.ndarray:
    """(B, neurons) in memory order → (B, *shape), a view."""
    samples, sizes = shape[1], shape[2:]
    ordered = flat.reshape(samples, *(sizes[a] for a in inner))
    return ordered.transpose(0, *(inner.index(a) + 1 for a in range(len(sizes))))
