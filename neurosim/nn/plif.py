"""Parametric leaky integrate-and-fire neuron (Fang et al., ICCV 2021) in norse's style.

H = V + (X - (V - V_reset))·σ(w),  Z = Θ(H - V_threshold),  V ← (1 - Z)·H + Z·V_reset,  τ = 1/σ(w).

This is the equation of SpikingJelly's ``ParametricLIFNode`` (decay_input, hard reset), which
SVFormer uses.

Order of operations, each rounded: d = X - (V - V_reset); d = σ(w)·d; H = V + d; then the comparison
H ≥ V_threshold (or >). With V_reset = 0 these are the very float operations of
``norse.torch.functional.lif_box`` with dt·tau_mem_inv = σ(w) and v_leak = 0: with ``fires=">"``
spikes and membranes are bit-equal to norse's where that product is exact, as with dt = 1.

With a ``Norse`` surrogate the step *is* norse's: ``plif_step`` calls its
``lif_box_feed_forward_step``. ``plif_scan`` runs all steps in one pass (``_plif_scan``: same bits
forward, the same gradient backward) where it can, and steps where it cannot.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from neurosim.errors import ModelError
from neurosim.nn.surrogate import ATan, Fires, Norse, Surrogate

Scan = Literal["fused", "steps"]
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
    state = state or initial_state(x, p)
    if isinstance(p.surrogate, Norse):
        return _norse_step(x, state, p)
    v = state.v
    d = x - v if p.v_reset == 0 else x - (v - p.v_reset)
    h = v + torch.sigmoid(p.w) * d
    z = p.surrogate(h - p.v_threshold, p.fires)
    reset = z.detach() if p.detach_reset else z
    return z, PLIFState((1 - reset) * h + reset * p.v_reset)


def _norse_step(x: Tensor, state: PLIFState, p: PLIFParameters) -> tuple[Tensor, PLIFState]:
    """norse's box neuron with dt = 1, tau_mem_inv = σ(w) and v_leak = v_reset = 0."""
    from norse.torch.functional import lif_box
    from norse.torch.functional.reset import reset_value

    assert isinstance(p.surrogate, Norse)
    box = lif_box.LIFBoxParameters(
        tau_mem_inv=torch.sigmoid(p.w),
        v_th=p.v_threshold,
        v_reset=p.v_reset,
        method=p.surrogate.method,
        alpha=p.surrogate.alpha,
        reset_method=_detached_reset if p.detach_reset else reset_value,
    )
    before = lif_box.LIFBoxFeedForwardState(v=state.v)
    z, after = lif_box.lif_box_feed_forward_step(x, before, box, dt=1.0)
    return z, PLIFState(after.v)


def _detached_reset(z: Tensor, v: Tensor, v_reset: float, v_threshold: float) -> Tensor:
    """norse's ``reset_value`` without a gradient through the spike."""
    z = z.detach()
    return (1 - z) * v + z * v_reset


def plif_scan(
    x: Tensor, state: PLIFState | None, p: PLIFParameters, scan: Scan = "fused"
) -> tuple[Tensor, PLIFState]:
    """All steps of x [T, ...] → spikes [T, ...] and the last state, bit-equal to ``plif_step``.

    ``scan="steps"`` calls ``plif_step`` T times, whatever the device and the type.
    """
    if not torch.is_grad_enabled():
        return _scan_without_grad(x, state, p)
    if scan == "fused" and state is None:
        from neurosim.nn._plif_scan import fits, fused_scan

        if fits(x, p):
            return fused_scan(x, p)
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
        _check(tau, fires, surrogate, v_reset)
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

    scan: Scan = "fused"  # how gradients are made; the spikes are the same bits

    def forward(self, x: Tensor) -> Tensor:
        """Input [T, ...] → spikes [T, ...]."""
        return plif_scan(x, None, self.p, self.scan)[0]


def _check(tau: float, fires: str, surrogate: Surrogate, v_reset: float) -> None:
    if not tau > 1.0:
        raise ModelError(
            f"PLIF: tau is {tau}; give a time constant above 1 step, so that 0 < 1/tau < 1"
        )
    if fires not in (">=", ">"):
        raise ModelError(f"PLIF: fires is {fires!r}; give '>=' or '>'")
    if isinstance(surrogate, Norse) and (fires != ">" or v_reset != 0.0):
        raise ModelError(
            f"PLIF: norse's box neuron fires above the threshold and resets to 0, not "
            f"fires={fires!r}, v_reset={v_reset}; give fires='>' and v_reset=0.0, or ATan()"
        )
