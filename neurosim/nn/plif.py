"""Parametric leaky integrate-and-fire neuron (Fang et al., ICCV 2021) in norse's style.

H = V + (X - (V - V_reset))·σ(w),  Z = Θ(H - V_threshold),  V ← (1 - Z)·H + Z·V_reset,  τ = 1/σ(w).

This is the equation of SpikingJelly's ``ParametricLIFNode`` (decay_input, hard reset), which
SVFormer uses.

Order of operations, each rounded: d = X - (V - V_reset); d = σ(w)·d; H = V + d; then the comparison
H ≥ V_threshold (or >). With V_reset = 0 these are the very float operations of
``norse.torch.functional.lif_box`` with dt·tau_mem_inv = σ(w) and v_leak = 0: with ``fires=">"``
spikes and membranes are bit-equal to norse's where that product is exact, as with dt = 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neurosim.errors import ModelError
from neurosim.nn.surrogate import ATan, Fires, Surrogate

ATAN = ATan(alpha=2.0)


class PLIFParameters(NamedTuple):
    """Parameters of one layer; ``w`` is a scalar tensor, the decay is σ(w)."""

    w: Tensor
    v_threshold: float = 1.0
    v_reset: float = 0.0
    fires: Fires = ">="
    surrogate: Surrogate = ATAN
    detach_reset: bool = True


class PLIFState(NamedTuple):
    """Membrane potential before the step, of the input's shape (or broadcastable to it)."""

    v: Tensor


def initial_state(x: Tensor, p: PLIFParameters) -> PLIFState:
    """V = V_reset everywhere; ``x`` is the input of one step."""
    return PLIFState(torch.full_like(x, p.v_reset))


def plif_step(x: Tensor, state: PLIFState | None, p: PLIFParameters) -> tuple[Tensor, PLIFState]:
    """One step: input x [...] and state → spikes [...] and the next state; changes no argument."""
    v = (state or initial_state(x, p)).v
    d = x - v if p.v_reset == 0 else x - (v - p.v_reset)
    h = v + torch.sigmoid(p.w) * d
    z = p.surrogate(h - p.v_threshold, p.fires)
    reset = z.detach() if p.detach_reset else z
    return z, PLIFState((1 - reset) * h + reset * p.v_reset)


def plif_scan(x: Tensor, state: PLIFState | None, p: PLIFParameters) -> tuple[Tensor, PLIFState]:
    """All steps of x [T, ...] → spikes [T, ...] and the last state, bit-equal to ``plif_step``."""
    if not torch.is_grad_enabled():
        return _scan_without_grad(x, state, p)
    spikes: list[Tensor] = []
    for slice_ in x.unbind(0):
        z, state = plif_step(slice_, state, p)
        spikes.append(z)
    return torch.stack(spikes), state or initial_state(x[:0].sum(0), p)


def _scan_without_grad(
    x: Tensor, state: PLIFState | None, p: PLIFParameters
) -> tuple[Tensor, PLIFState]:
    """The same operations in the same order on buffers that are written again at every step."""
    v = torch.full_like(x[0], p.v_reset) if state is None else state.v.expand_as(x[0]).clone()
    d, spikes, decay = torch.empty_like(v), torch.empty_like(x), torch.sigmoid(p.w)
    compare = torch.ge if p.fires == ">=" else torch.gt
    for slice_, out in zip(x.unbind(0), spikes.unbind(0), strict=True):
        torch.sub(slice_, v if p.v_reset == 0 else v - p.v_reset, out=d)
        v.add_(d.mul_(decay))
        compare(v, p.v_threshold, out=out)
        v.mul_(torch.eq(out, 0, out=d)).add_(out, alpha=p.v_reset)
    return spikes, PLIFState(v)


class _Neuron(nn.Module):
    """The learnable w = -ln(τ - 1) and the constants of one layer."""

    def __init__(
        self,
        tau: float = 2.0,
        v_threshold: float = 1.0,
        v_reset: float = 0.0,
        fires: Fires = ">=",
        surrogate: Surrogate = ATAN,
        detach_reset: bool = True,
    ) -> None:
        super().__init__()
        _check(tau, fires)
        self.w = nn.Parameter(torch.tensor(-math.log(tau - 1.0)))
        self.v_threshold, self.v_reset = v_threshold, v_reset
        self.fires: Fires = fires
        self.surrogate, self.detach_reset = surrogate, detach_reset

    @property
    def p(self) -> PLIFParameters:
        """What ``plif_step`` takes."""
        return PLIFParameters(
            self.w, self.v_threshold, self.v_reset, self.fires, self.surrogate, self.detach_reset
        )

    @property
    def tau(self) -> float:
        """Membrane time constant in steps, 1/σ(w)."""
        return 1.0 / float(torch.sigmoid(self.w.detach()))

    def extra_repr(self) -> str:
        """The equation's data."""
        return f"v_threshold={self.v_threshold}, v_reset={self.v_reset}, fires={self.fires!r}"


class PLIFCell(_Neuron):
    """One step: ``z, state = cell(x, state)`` with x [B, ...]; state None starts at V_reset."""

    def forward(self, x: Tensor, state: PLIFState | None = None) -> tuple[Tensor, PLIFState]:
        """Input of one step and the state → spikes and the next state."""
        return plif_step(x, state, self.p)


class PLIF(_Neuron):
    """All steps: ``z = plif(x)`` with x [T, B, ...]; the state starts at V_reset on every call."""

    def forward(self, x: Tensor) -> Tensor:
        """Input [T, ...] → spikes [T, ...]."""
        return plif_scan(x, None, self.p)[0]


def _check(tau: float, fires: str) -> None:
    if not tau > 1.0:
        raise ModelError(
            f"PLIF: tau is {tau}; give a time constant above 1 step, so that 0 < 1/tau < 1"
        )
    if fires not in (">=", ">"):
        raise ModelError(f"PLIF: fires is {fires!r}; give '>=' or '>'")
