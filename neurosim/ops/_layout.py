"""Memory order, and from (steps, samples, *shape) back to a model's own axes."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

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


def by_stride(data: Tensor) -> tuple[int, ...]:
    """Axes from the outermost in memory; of those with one element, step and sample come first and
    the others last."""
    return _outermost_first(data.shape, data.stride())


@lru_cache(maxsize=1024)
def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The order of axes that undoes one."""
    return tuple(order.index(a) for a in range(len(order)))


@lru_cache(maxsize=4096)
def _outermost_first(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    def place(axis: int) -> float:
        if shape[axis] > 1:
            return -strides[axis]
        return -math.inf if axis < 2 else 0

    return tuple(sorted(range(len(shape)), key=place))


class Layout(NamedTuple):
    """Where float32 (T, B, *shape) lies, counted in elements.

    ``order``: axes from the outermost in memory, of what is as it is and has no gaps; ``inner``:
    the slice's; ``step``, ``sample``: how far neighbours along them lie apart; a slice is runs of
    ``run`` elements side by side, ``pitch`` from each to the next. ``dense``: there are no gaps.
    """

    order: tuple[int, ...]
    inner: tuple[int, ...]
    step: int
    sample: int
    run: int
    pitch: int
    dense: bool

    def rows(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Slices between a step and the next, and between samples, without gaps."""
        return (shape[1], 1) if self.order[0] == 0 else (1, shape[0])


@lru_cache(maxsize=4096)
def layout_of(shape: tuple[int, ...], strides: tuple[int, ...]) -> Layout:
    """Of strides in bytes; ``run`` 0: a slice is no such runs."""
    by_stride = sorted(range(2, len(shape)), key=lambda a: -abs(strides[a]) if shape[a] > 1 else 0)
    inner, size = tuple(a - 2 for a in by_stride), math.prod(shape[2:])
    for order in ((0, 1, *by_stride), (1, 0, *by_stride)):
        step = [4 * math.prod(shape[a] for a in order[k + 1 :]) for k in range(len(order))]
        if all(strides[a] == s or shape[a] == 1 for a, s in zip(order, step, strict=True)):
            apart = (step[0], step[1]) if order[0] == 0 else (step[1], step[0])
            return Layout(order, inner, apart[0] // 4, apart[1] // 4, size, size, True)
    run, pitch = _runs([shape[a] for a in by_stride], [strides[a] for a in by_stride])
    whole = all(s % 4 == 0 and s >= 0 for s in strides)
    order = (0, 1) if strides[0] >= strides[1] else (1, 0)
    return Layout((*order, *by_stride), inner, strides[0] // 4, strides[1] // 4,
                  run if whole else 0, pitch, False)  # fmt: skip


def _runs(sizes: list[int], strides: list[int]) -> tuple[int, int]:
    """Elements side by side, and how far apart such runs lie; (0, 0): not all equally far."""
    run, pitch, next_ = 1, 0, 4
    for size, stride in zip(reversed(sizes), reversed(strides), strict=True):
        if size == 1:
            continue
        if not pitch and stride == next_:
            run *= size
        elif not pitch and stride > next_:
            pitch = next_ = stride
        elif stride != next_:
            return 0, 0
        next_ *= size
    return run, (pitch or next_) // 4
