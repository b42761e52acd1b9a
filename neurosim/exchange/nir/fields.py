"""Fields of a primitive as checked numbers."""

from __future__ import annotations

import numpy as np

from neurosim.errors import NirError
from neurosim.exchange.nir.record import Primitive


def array(node: Primitive, name: str) -> np.ndarray:
    """A field of numbers as float64. Raises NirError: missing, text, or NaN."""
    value = node.fields.get(name)
    if value is None:
        raise NirError(f"has no {name}")
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise NirError(f"{name} holds no numbers") from None
    if np.isnan(found).any():
        raise NirError(f"{name} holds NaN")
    return found


def whole(node: Primitive, name: str, count: int, default: int | None = None) -> tuple[int, ...]:
    """``count`` integers, one given for all of them. Raises NirError."""
    value = node.fields.get(name)
    if value is None and default is not None:
        value = default
    if value is None:
        raise NirError(f"has no {name}")
    try:
        found = np.asarray(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise NirError(f"{name} is {value!r}, expects whole numbers") from None
    if found.size not in (1, count) or not np.array_equal(found, np.rint(found)):
        raise NirError(f"{name} is {found.tolist()}, expects {count} whole numbers")
    return tuple(int(n) for n in np.broadcast_to(found, (count,)))


def plainest(value: np.ndarray, node: Primitive, name: str) -> np.ndarray:
    """``value``, computed from the field ``name``, as the shortest decimals that the exporter's own
    roundings lead to: 1e-4/float32(1e-3) is 0.1, not 0.09999999403953552."""
    held = np.asarray(node.fields[name])
    slack = 2e-7 if held.dtype == np.float32 else 1e-14
    distinct, where = np.unique(value, return_inverse=True)
    found = np.array([_shortest(float(v), slack) for v in distinct])
    return found[where].reshape(value.shape)


def _shortest(value: float, slack: float) -> float:
    for digits in range(1, 8 if slack > 1e-10 else 16):
        candidate = float(f"{value:.{digits - 1}e}")
        if abs(candidate - value) <= slack * abs(value):
            return candidate
    return value


def compact(value: np.ndarray) -> np.ndarray:
    """The same numbers under broadcasting, axes along which nothing changes cut to one."""
    for axis in range(value.ndim):
        first = value.take([0], axis=axis)
        if value.shape[axis] > 1 and np.array_equal(np.broadcast_to(first, value.shape), value):
            value = first
    return value


def fitted(value: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """A parameter for neurons of ``shape``: one number, or an array of exactly that shape (leading
    ones dropped). Raises NirError."""
    if value.size == 1:
        return value.reshape(())
    kept = value
    while kept.ndim > len(shape) and kept.shape[0] == 1:
        kept = kept[0]
    if kept.shape != shape:
        raise NirError(f"{name} of shape {value.shape} does not fit values of shape {shape}")
    return compact(kept)


def single(value: np.ndarray) -> np.ndarray:
    """float32, in one piece. Raises NirError: beyond what float32 holds."""
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(value, dtype=np.float32)
    if not np.isfinite(found).all():
        raise NirError("holds infinity, or numbers beyond float32")
    return found
