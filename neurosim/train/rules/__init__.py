"""One training rule a file, found by its name: how a batch changes the weights.

A rule owns the whole update. It may run backward once through everything (``bptt``), once per layer
or step, or never; it may apply the optimiser as often as it likes. The loop only asks it to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from neurosim import registry
from neurosim.errors import TrainError
from neurosim.train.batches import Batch
from neurosim.train.penalty import SynapticOperations


@dataclass(frozen=True)
class Update:
    """What a rule works with. ``forward``: the model, with mixed precision where that is asked for.

    ``backward(loss)``: gradients into ``.grad``, scaled where the precision needs it. ``apply()``:
    clip, optimiser step, gradients back to none.
    """

    module: nn.Module
    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor], None]
    apply: Callable[[], None]
    synaptic_operations: SynapticOperations | None = None
    energy_weight: float = 0.0

    def counting(self) -> AbstractContextManager[Any]:
        """Count the synaptic operations of the forwards inside, when energy has a weight."""
        counted = self.synaptic_operations
        return nullcontext() if counted is None else counted.listen()

    def penalty(self) -> Tensor | float:
        """λ · SynOps/dense of what was counted last; 0 without a weight."""
        counted = self.synaptic_operations
        return 0.0 if counted is None else self.energy_weight * counted.share()


@dataclass(frozen=True)
class Outcome:
    """``loss``: what was minimised; ``logits`` (B, classes); both without a gradient."""

    loss: float
    logits: Tensor


class Rule(Protocol):
    """``update`` changes the weights once for a batch; ``prepare`` sets the module up for it."""

    def prepare(self, module: nn.Module) -> None:
        """Called once, before the first update, on every start and resume."""
        ...

    def update(self, step: Update, batch: Batch) -> Outcome:
        """One batch. Calls ``step.apply`` at least once."""
        ...


def load(name: str, options: Mapping[str, Any]) -> Rule:
    """The rule of that name with its options. Raises UnknownName, TrainError."""
    made = registry.load("train.rules", name, "training rule").RULE
    try:
        return made(**options)
    except TypeError as error:
        raise TrainError(f"training rule {name!r}: {error}; see its docstring") from None


def finite(loss: Tensor, place: str) -> float:
    """The loss as a number. Raises TrainError: NaN or infinity, before it reaches a weight."""
    value = float(loss.detach())
    if not torch.isfinite(loss).item():
        raise TrainError(
            f"{place}: the loss is {value}; lower lr, set clip_grad, or use precision 32-true"
        )
    return value
