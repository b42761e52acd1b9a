"""Memory layouts: kernels walk through memory in its own order, channels last or not."""

from __future__ import annotations

import torch
from torch import Tensor


def in_memory_order(x: Tensor) -> Tensor:
    """A view of x (T, …) with the axes behind the first from the largest stride to the smallest."""
    inner = sorted(range(1, x.ndim), key=lambda axis: -x.stride(axis) if x.shape[axis] > 1 else 0)
    return x.permute(0, *inner)


def dense(x: Tensor) -> Tensor:
    """x itself where its memory has no gaps and the steps outermost, else a contiguous copy."""
    return x if in_memory_order(x).is_contiguous() else x.contiguous()


def like(x: Tensor, other: Tensor) -> Tensor:
    """x in the memory layout of ``other``, a dense tensor of its shape."""
    if x.stride() == other.stride():
        return x
    return torch.empty_like(other).copy_(x)


def channels_last(clip: Tensor) -> Tensor:
    """[T, B, C, H, W] with the channels innermost in memory."""
    frames = clip.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return frames.unflatten(0, clip.shape[:2])


def weights_channels_last(module: torch.nn.Module) -> None:
    """Kernels of two spatial axes in the layout that CPUs convolve fastest; values stay."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
