"""``as_spikes(x)``: inside a model, the user's word that x holds events; checked at every run."""

from __future__ import annotations

from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_unary

from neurosim.errors import ModelError


def as_spikes(x: Tensor, lo: int = 0, hi: int = 1) -> Tensor:
    """x itself, declared to hold integers in [lo, hi]: SPIKE for 0 and 1, GRADED otherwise.

    Raises ModelError: x holds anything else.
    """
    if has_torch_function_unary(x):  # a capture is watching
        return handle_torch_function(as_spikes, (x,), x, lo=lo, hi=hi)
    if bool(((x != x.round()) | (x < lo) | (x > hi)).any()):
        raise ModelError(
            f"as_spikes: promises integers in [{lo}, {hi}], got values from {float(x.min()):g} to "
            f"{float(x.max()):g}; remove as_spikes or declare the range"
        )
    return x
