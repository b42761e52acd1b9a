"""What movement operators share: no arithmetic, no words; the kind goes along (counting rules,
sections 2, 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neurosim.ir.types import Kind, Scale, ValueType


def moved_type(
    x: ValueType, shape: tuple[int, ...], move: Callable[[np.ndarray], np.ndarray] | None
) -> ValueType:
    """The same integers at other places. ``move`` maps a full (*shape) array of scales; None:
    cannot be mapped."""
    if not x.discrete or x.uniform:
        return replace(x, shape=shape)
    scale = np.asarray(x.scale)
    if move is None or scale.ndim > len(x.shape):
        moved = _per_step(x, scale, move)
        return ValueType(shape, x.steps) if moved is None else replace(x, shape=shape, scale=moved)
    return replace(x, shape=shape, scale=_compact(move(np.broadcast_to(scale, x.shape))))


def _per_step(
    x: ValueType, scale: np.ndarray, move: Callable[[np.ndarray], np.ndarray] | None
) -> Scale | None:
    if move is None:
        return None
    rows = [move(np.broadcast_to(row[0], x.shape)) for row in scale]
    return np.stack(rows)[:, None]


def _compact(scale: np.ndarray) -> Scale:
    return (
        float(scale.flat[0])
        if scale.size and bool(np.all(scale == scale.flat[0]))
        else np.ascontiguousarray(scale)
    )


def with_zero(x: ValueType) -> ValueType:
    """A type that also holds 0 (zero padding)."""
    return x if x.kind is not Kind.GRADED else replace(x, lo=min(0, x.lo), hi=max(0, x.hi))
