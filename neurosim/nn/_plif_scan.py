"""PLIF over all steps as one autograd function: the spikes of ``plif_step``, bit for bit.

Saved for the gradient: the membrane before the reset, (T, …) float32; nothing else, where T steps
in a loop keep about ten tensors a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from neurosim.nn._layout import dense, in_memory_order, like
from neurosim.nn.surrogate import NORSE, ATan, Norse, Sigmoid
from neurosim.threads import spread

if TYPE_CHECKING:
    from neurosim.nn.plif import PLIFParameters, PLIFState


def fits(x: Tensor, p: PLIFParameters) -> bool:
    """float32 on the CPU, a scalar w and a surrogate whose slope is compiled."""
    known = isinstance(p.surrogate, (ATan, Sigmoid, Norse))
    return known and x.device.type == "cpu" and x.dtype == torch.float32 and p.w.numel() == 1


def fused_scan(x: Tensor, p: PLIFParameters) -> tuple[Tensor, PLIFState]:
    """x [T, ...] → spikes [T, ...] and the last state (which carries no gradient)."""
    from neurosim.nn.plif import PLIFState

    z, v = _Scan.apply(x, torch.sigmoid(p.w), p)  # type: ignore[misc]
    return z, PLIFState(v)


class _Scan(torch.autograd.Function):
    """Forward and backward of ``_plif_kernel`` over blocks of neurons."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, decay: Tensor, p: PLIFParameters) -> tuple[Tensor, Tensor]:
        from neurosim.nn import _plif_kernel as kernel

        x = dense(x)
        z, h = torch.empty_like(x), torch.empty_like(x)
        constants = _constants(float(decay), p)
        memory = (_rows(x), _rows(z), _rows(h))
        spread(kernel.forward_loop, _blocks(x.shape), x.numel(), *memory, *constants)
        last = torch.where(z[-1] > 0, torch.full_like(h[-1], p.v_reset), h[-1])
        ctx.save_for_backward(h)
        ctx.constants, ctx.p = constants, p
        ctx.mark_non_differentiable(last)
        return z, last

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        from neurosim.nn import _plif_kernel as kernel

        (h,) = ctx.saved_tensors
        gz, gx = like(grads[0], h), torch.empty_like(h)
        gw = np.zeros(_blocks(h.shape), np.float64)
        rule = (not ctx.p.detach_reset, *_surrogate(ctx.p))
        spread(
            kernel.backward_loop,
            _blocks(h.shape),
            h.numel(),
            _rows(h),
            _rows(gz),
            _rows(gx),
            gw,
            *ctx.constants,
            *rule,
        )
        decay = float(ctx.constants[0])
        return gx, h.new_tensor(sum(gw.tolist()) / decay), None


def _constants(decay: float, p: PLIFParameters) -> tuple[Any, ...]:
    numbers = (decay, p.v_threshold, p.v_reset)
    return (*(np.float32(n) for n in numbers), p.fires == ">=")


def _surrogate(p: PLIFParameters) -> tuple[int, np.float32]:
    from neurosim.nn import _plif_kernel as kernel

    if isinstance(p.surrogate, Norse):
        return NORSE[p.surrogate.method], np.float32(p.surrogate.alpha)
    assert isinstance(p.surrogate, (ATan, Sigmoid))
    kind = kernel.ATAN if isinstance(p.surrogate, ATan) else kernel.SIGMOID
    return kind, np.float32(p.surrogate.alpha)


def _rows(x: Tensor) -> np.ndarray:
    """(T, …) as (T, N) in the order of memory, shared."""
    return in_memory_order(x.detach()).reshape(x.shape[0], -1).numpy()


def _blocks(shape: torch.Size) -> int:
    from neurosim.nn._plif_kernel import BLOCK

    return -(-shape[1:].numel() // BLOCK)
