"""Surrogate derivatives of the threshold: Θ(x) forward, a smooth function's slope backward.

A surrogate is a value (``ATan(alpha=2.0)``), called as ``surrogate(x, fires)`` with
x = v - v_threshold. ``fires`` decides the tie: ``">="`` spikes at x = 0, ``">"`` does not.
Without grad mode it is the plain comparison.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from neurosim.errors import ModelError

Fires = Literal[">=", ">"]


def heaviside(x: Tensor, fires: Fires) -> Tensor:
    """1 where x >= 0 (``">="``) or x > 0 (``">"``), else 0, in x's dtype."""
    return (x >= 0 if fires == ">=" else x > 0).to(x.dtype)


class ATanFunction(torch.autograd.Function):
    """g(x) = arctan(π/2·α·x)/π + 1/2, so g'(x) = (α/2) / (1 + (π/2·α·x)²) (Fang et al., 2021)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: float, fires: Fires) -> Tensor:
        ctx.save_for_backward(x)
        ctx.alpha = alpha
        return heaviside(x, fires)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (x,), (grad,) = ctx.saved_tensors, grad_outputs
        slope = (ctx.alpha / 2) / (1 + (math.pi / 2 * ctx.alpha * x).square())
        return grad * slope, None, None


class SigmoidFunction(torch.autograd.Function):
    """g(x) = σ(α·x), so g'(x) = α·σ(α·x)·(1 - σ(α·x)) (SpikingJelly's ``Sigmoid``)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: float, fires: Fires) -> Tensor:
        ctx.save_for_backward(x)
        ctx.alpha = alpha
        return heaviside(x, fires)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (x,), (grad,) = ctx.saved_tensors, grad_outputs
        s = torch.sigmoid(ctx.alpha * x)
        return grad * (ctx.alpha * s * (1 - s)), None, None


class Surrogate(Protocol):
    """Anything that turns x = v - v_threshold into spikes that carry a gradient."""

    def __call__(self, x: Tensor, fires: Fires) -> Tensor:
        """Spikes of x's shape and dtype."""
        ...


@dataclass(frozen=True)
class ATan:
    """Arc tangent of steepness ``alpha``: SVFormer's released configuration."""

    alpha: float = 2.0

    def __call__(self, x: Tensor, fires: Fires = ">=") -> Tensor:
        """Spikes; gradient of ``ATanFunction``."""
        if not torch.is_grad_enabled():
            return heaviside(x, fires)
        return ATanFunction.apply(x, self.alpha, fires)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Sigmoid:
    """Logistic function of steepness ``alpha``: SVFormer's Fig. 1."""

    alpha: float = 4.0

    def __call__(self, x: Tensor, fires: Fires = ">=") -> Tensor:
        """Spikes; gradient of ``SigmoidFunction``."""
        if not torch.is_grad_enabled():
            return heaviside(x, fires)
        return SigmoidFunction.apply(x, self.alpha, fires)  # type: ignore[no-any-return]


NORSE = {"super": 0, "triangle": 1, "tanh": 2, "circ": 3, "heavi_erfc": 4}  # norse's own names


@dataclass(frozen=True)
class Norse:
    """norse's ``threshold(x, method, alpha)``, which spikes above the threshold alone (``">"``).

    Slopes of norse 1.1: super 1/(1 + |x|)², whatever ``alpha``; triangle α·max(0, 1 - |x|);
    tanh 1 - tanh²(α·x); circ α³/(α² + x²)^1.5; heavi_erfc 2/√π·exp(-(α·x)²).

    Raises ModelError: another method, or a tie that fires.
    """

    method: str = "triangle"
    alpha: float = 0.5

    def __post_init__(self) -> None:
        if self.method not in NORSE:
            raise ModelError(
                f"surrogate: norse has no method {self.method!r}; give {', '.join(NORSE)}"
            )

    def __call__(self, x: Tensor, fires: Fires = ">") -> Tensor:
        """Spikes; gradient of norse's method."""
        from norse.torch.functional.threshold import threshold

        if fires != ">":
            raise ModelError(f"surrogate: norse spikes above the threshold alone; fires={fires!r}")
        return heaviside(x, ">") if not torch.is_grad_enabled() else threshold(x, *astuple(self))
