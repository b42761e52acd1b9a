"""Memory order, and from (steps, samples, *shape) back to a model's own axes."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from neurosim.threads import spread


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


FEW = 8  # channels, of which torch's own change of order is slow


def channels_last(frames: Tensor) -> Tensor:
    """The same (N, C, H, W), channels innermost in memory; few of them are moved by our kernel."""
    few = 1 < frames.shape[1] <= FEW and frames.is_contiguous() and frames.device.type == "cpu"
    if not few or frames.dtype is not torch.float32:
        return frames.contiguous(memory_format=torch.channels_last)
    from neurosim.ops._layout_kernel import interleave_loop

    n, c, h, w = frames.shape
    out = torch.empty(n, h, w, c)
    rows = (frames.numpy().reshape(n, c, -1), out.numpy().reshape(n, -1, c))
    spread(interleave_loop, n, frames.numel(), *rows)
    return out.permute(0, 3, 1, 2)


def filled(data: Tensor) -> bool:
    """Whether the elements lie side by side, in whatever order of axes."""
    return data.is_contiguous() or data.permute(by_stride(data)).is_contiguous()


def by_stride(data: Tensor) -> tuple[int, ...]:
    """Axes from the outermost in memory; of those with one element, step and sample come first and
    the others last."""
    return _outermost_first(data.shape, data.stride())


@lru_cache(maxsize=4096)
def _outermost_first(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    def place(axis: int) -> float:
        if shape[axis] > 1:
            return -strides[axis]
        return -math.inf if axis < 2 else 0

    return tuple(sorted(range(len(shape)), key=place))
