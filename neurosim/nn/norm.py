"""Batch norm with its own statistics and affine at every step (SVFormer's ``BatchNorm2d_eT``)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurosim.errors import ModelError
from neurosim.nn._norm_scan import fits, fused_norm


class PerStepBatchNorm(nn.BatchNorm1d):
    """y[t] = (x[t] - μ[t]) / √(σ²[t] + ε) · γ[t] + β[t], each a vector over the channels.

    The steps are folded into the channels: entry t·C + c belongs to step t and channel c.
    x: [T, B, C, ...]; ``channels_last`` x: [T, B, ..., C]. T is baked in.
    """

    def __init__(self, channels: int, steps: int, channels_last: bool = False) -> None:
        super().__init__(channels * steps)
        self.channels, self.steps, self.channels_last = channels, steps, channels_last

    def forward(self, input: Tensor) -> Tensor:
        """Normalised input, same shape."""
        x = input.movedim(-1, 2) if self.channels_last else input
        self._check_steps(x)
        if self.training and torch.is_grad_enabled() and fits(input):
            return self._fused(input)
        folded = x.transpose(0, 1).reshape(x.shape[1], self.steps * self.channels, -1)
        y = super().forward(folded).reshape(x.transpose(0, 1).shape).transpose(0, 1)
        return y.movedim(2, -1) if self.channels_last else y

    def _fused(self, x: Tensor) -> Tensor:
        """Training: the same numbers to rounding, in one pass each way and without a copy."""
        rows = (self.steps, self.channels)
        y, mean, var = fused_norm(
            x, self.weight.view(rows), self.bias.view(rows), self.eps, self._axis
        )
        self._track(mean.flatten(), var.flatten(), x.numel() // mean.numel())
        return y

    @property
    def _axis(self) -> int:
        return -1 if self.channels_last else 2

    def _track(self, mean: Tensor, var: Tensor, count: int) -> None:
        """Running statistics as torch keeps them: momentum, and the unbiased variance."""
        if count < 2:
            raise ModelError("per-step batch norm: found one value per channel; give more clips")
        held = ((self.running_mean, mean), (self.running_var, var * (count / (count - 1))))
        with torch.no_grad():
            for running, now in held:
                if running is not None:
                    running.lerp_(now, self.momentum or 0.0)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)

    def _check_steps(self, x: Tensor) -> None:
        if x.shape[0] != self.steps or x.shape[2] != self.channels:
            raise ModelError(
                f"per-step batch norm: expects {self.steps} steps of {self.channels} channels, "
                f"got {x.shape[0]} of {x.shape[2]}; "
                f"pass a clip of {self.steps} frames or build the model for {x.shape[0]} steps"
            )

    def extra_repr(self) -> str:
        """Steps and channels."""
        return f"{self.channels}, steps={self.steps}, channels_last={self.channels_last}"
