"""Neurons without learnable parameters, as most published spiking networks use them.

LIF: V ← V + (X − V)·k with k = 1/τ;  IF: V ← V + X.  Both: Z = Θ(V − V_threshold), fires at the
threshold; V ← 0 where it fired. These are SpikingJelly's ``LIFNode`` (decay_input, hard reset;
τ = 2: the same floats) and ``IFNode``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neurosim.errors import ModelError
from neurosim.nn.plif import ATAN, PLIFParameters, plif_scan
from neurosim.nn.surrogate import Surrogate


class LIF(nn.Module):
    """All steps: x [T, B, ...] → spikes; the state starts at 0 on every call."""

    w: Tensor  # -ln(τ - 1): σ(w) = 1/τ

    def __init__(
        self, tau: float = 2.0, v_threshold: float = 1.0, surrogate: Surrogate = ATAN
    ) -> None:
        super().__init__()
        if not tau > 1.0:
            raise ModelError(f"LIF: tau is {tau}; give a time constant above 1 step")
        self.v_threshold, self.surrogate = v_threshold, surrogate
        w = -math.log(tau - 1.0)
        self.register_buffer("w", torch.tensor(w), persistent=False)

    @property
    def p(self) -> PLIFParameters:
        """What ``plif_step`` takes."""
        return PLIFParameters(self.w, self.v_threshold, surrogate=self.surrogate)

    def forward(self, x: Tensor) -> Tensor:
        """Input [T, ...] → spikes [T, ...]."""
        return plif_scan(x, None, self.p)[0]


class IF(nn.Module):
    """All steps: x [T, B, ...] → spikes; no leak; the state starts at 0 on every call."""

    def __init__(self, v_threshold: float = 1.0, surrogate: Surrogate = ATAN) -> None:
        super().__init__()
        self.v_threshold, self.surrogate = v_threshold, surrogate

    def forward(self, x: Tensor) -> Tensor:
        """Input [T, ...] → spikes [T, ...]."""
        v, spikes = torch.zeros_like(x[0]), list[Tensor]()
        for current in x.unbind(0):
            v = v + current
            z = self.surrogate(v - self.v_threshold, ">=")
            v = (1 - z.detach()) * v
            spikes.append(z)
        return torch.stack(spikes)
