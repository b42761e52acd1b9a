"""Memory order, and from (steps, samples, *shape) back to a model's own axes."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor


def restore(value: Tensor, dims: Any) -> Tensor:
    """(steps, samples, *shape) → the model's own axes; ``dims`` holds per axis the roles "T", "B",
    "X" it folds."""
    flat = [role for dim in dims for role in dim]
    axis = iter(range(2, value.ndim))
    order = [0 if r == "T" else 1 if r == "B" else next(axis) for r in flat]
    left = [
        i for i in range(value.ndim) if i not in order
    ]  # axes of length 1 that the model did not have
    moved = value.permute(*order, *left)
    sizes, place = [], 0
    for dim in dims:
        size = 1
        for _ in dim:
            size *= moved.shape[place]
            place += 1
        sizes.append(size)
    return moved.reshape(sizes)


def filled(data: Tensor) -> bool:
    """Whether the elements lie side by side, in whatever order of axes."""
    return data.is_contiguous() or data.permute(by_stride(data)).is_contiguous()


def by_stride(data: Tensor) -> list[int]:
    """Axes from the outermost in memory; of those with one element, step and sample come first and
    the others last."""

    def place(axis: int) -> float:
        if data.shape[axis] > 1:
            return -data.stride(axis)
        return -math.inf if axis < 2 else 0

    return sorted(range(data.ndim), key=place)
