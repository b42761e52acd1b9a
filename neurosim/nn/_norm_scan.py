"""Per-step batch norm in training as one autograd function, without copies between layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.nn._layout import like
from neurosim.threads import spread


def fits(x: Tensor) -> bool:
    """float32 on the CPU."""
    return x.device.type == "cpu" and x.dtype == torch.float32


def fused_norm(
    x: Tensor, weight: Tensor, bias: Tensor, eps: float, axis: int
) -> tuple[Tensor, Tensor, Tensor]:
    """x [T, B, …] with the channels at ``axis`` → y, its mean and its biased variance, each [T, C].

    ``weight``, ``bias``: [T, C]. y has the memory layout of x where channels lie innermost or right
    behind the samples; else it is contiguous.
    """
    return _Norm.apply(x, weight, bias, eps, axis)  # type: ignore[return-value]


class _Norm(torch.autograd.Function):
    """Forward and backward of ``_norm_kernel`` over the steps."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, axis: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        from neurosim.nn import _norm_kernel as kernel

        x = x if x.movedim(axis, -1).is_contiguous() else x.contiguous()
        weight, bias = weight.contiguous(), bias.contiguous()
        y, mean, var = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        (rows, inner), (out, _) = _rows(x, axis), _rows(y, axis)
        arrays = [a.detach().numpy() for a in (weight, bias, mean, var)]
        spread(kernel.forward_loop, len(x), x.numel(), rows, out, *arrays, eps, inner)
        ctx.save_for_backward(x, weight, mean, var)
        ctx.eps, ctx.axis = eps, axis
        ctx.mark_non_differentiable(mean, var)
        return y, mean, var

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        from neurosim.nn import _norm_kernel as kernel

        x, weight, mean, var = ctx.saved_tensors
        gy, gx = like(grads[0], x), torch.empty_like(x)
        gweight, gbias = torch.empty_like(weight), torch.empty_like(weight)
        rows = [_rows(a, ctx.axis)[0] for a in (x, gy, gx)]
        arrays = [a.detach().numpy() for a in (weight, mean, var, gweight, gbias)]
        inner = _rows(x, ctx.axis)[1]
        spread(kernel.backward_loop, len(x), x.numel(), *rows, *arrays, ctx.eps, inner)
        return gx, gweight, gbias, None, None


def _rows(x: Tensor, axis: int) -> tuple[np.ndarray, bool]:
    """Memory, shared, as (T, rows, C) and True where channels lie innermost, else as (T, B·C,
    places) and False."""
    held = x.detach()
    last = held.movedim(axis, -1)
    if last.is_contiguous():
        return last.reshape(len(held), -1, last.shape[-1]).numpy(), True
    return held.reshape(len(held), held.shape[1] * held.shape[2], -1).numpy(), False
