"""The analogue twin of PLIF: the same leaky integration, read out by a ReLU instead of spikes.

v[t] = v[t−1] + (x[t] − v[t−1])·σ(w),  y[t] = max(0, v[t]),  v[−1] = 0,  τ = 1/σ(w).

There is no reset, so for a gradient all steps are one product: v = M x with
M[t, s] = σ(w)·(1 − σ(w))^(t − s) for s ≤ t, else 0. Without one the recurrence runs as written.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neurosim.errors import ModelError
from neurosim.nn._layout import dense, in_memory_order


class LeakyIntegrator(nn.Module):
    """All steps of x [T, …] → membranes v [T, …], with a learnable time constant a layer."""

    def __init__(self, tau: float = 2.0) -> None:
        super().__init__()
        if not tau > 1.0:
            raise ModelError(f"LeakyIntegrator: tau is {tau}; give a time constant above 1 step")
        self.w = nn.Parameter(torch.tensor(-math.log(tau - 1.0)))

    @property
    def tau(self) -> float:
        """Membrane time constant in steps."""
        return 1.0 / float(torch.sigmoid(self.w.detach()))

    def forward(self, x: Tensor) -> Tensor:
        """Input [T, …] → membranes of the same shape and memory layout."""
        x = dense(x)
        if not torch.is_grad_enabled():
            return self._stepped(x)
        rows = in_memory_order(x)
        v = (self._mixing(len(x)) @ rows.reshape(len(x), -1)).view(rows.shape)
        return v.as_strided(x.shape, x.stride())

    def _stepped(self, x: Tensor) -> Tensor:
        """The recurrence itself."""
        decay, out = torch.sigmoid(self.w), torch.empty_like(x)
        v = torch.zeros_like(x[0])
        for slice_, here in zip(x.unbind(0), out.unbind(0), strict=True):
            v = torch.add(v, (slice_ - v).mul_(decay), out=here)
        return out

    def _mixing(self, steps: int) -> Tensor:
        decay, t = torch.sigmoid(self.w), torch.arange(steps, device=self.w.device)
        age = (t[:, None] - t).clamp(min=0)
        return torch.tril(decay * (1 - decay) ** age)


class LeakyReLU(nn.Module):
    """All steps of x [T, …] → activations [T, …]: a ReLU on what a ``LeakyIntegrator`` holds."""

    def __init__(self, tau: float = 2.0) -> None:
        super().__init__()
        self.membrane = LeakyIntegrator(tau)

    def forward(self, x: Tensor) -> Tensor:
        """Input [T, …] → activations of the same shape and memory layout."""
        return torch.relu(self.membrane(x))
