"""Backpropagation through time with surrogate gradients (Neftci, Mostafa & Zenke, IEEE SPM 2019).

    z = Θ(h − θ) forward, ∂z/∂h := g'(h − θ) backward;  W ← AdamW(W, ∂(L + λ·SynOps/dense)/∂W)

Neurons of norse (its cells, and ``nn.PLIF`` with a ``Norse`` surrogate) run through norse's
functional steps. ``scan="fused"`` replaces the T calls of norse's box step in a ``PLIF`` by one
compiled pass with the same spikes, bit for bit, and the same gradient to rounding; ``"norse"``
makes the T calls themselves, on any device.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from neurosim.data.mix import soft_cross_entropy
from neurosim.errors import TrainError
from neurosim.nn.plif import PLIF
from neurosim.train.batches import Batch
from neurosim.train.outputs import logits
from neurosim.train.rules import Outcome, Update, finite


class BPTT:
    """``scan``: "fused" or "norse"."""

    def __init__(self, scan: Literal["fused", "norse"] = "fused") -> None:
        if scan not in ("fused", "norse"):
            raise TrainError(f"training rule 'bptt': scan={scan!r}; give 'fused' or 'norse'")
        self.scan = scan

    def prepare(self, module: nn.Module) -> None:
        """Tell every PLIF how to make its gradient."""
        for layer in module.modules():
            if isinstance(layer, PLIF):
                layer.scan = "fused" if self.scan == "fused" else "steps"

    def update(self, step: Update, batch: Batch) -> Outcome:
        """One forward over all steps, one backward, one step of the optimiser."""
        with step.counting():
            found = logits(step.forward(batch.clips), len(batch.labels))
        loss = soft_cross_entropy(found, batch.targets) + step.penalty()
        value = finite(loss, "training rule 'bptt'")
        step.backward(loss)
        step.apply()
        return Outcome(value, found.detach())


RULE = BPTT
