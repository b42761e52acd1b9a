"""``stepwise(cell)``: a module that takes one step, driven over a clip with its state carried
along."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn


class stepwise(nn.Module):
    """Calls ``cell(x[t], state)`` (or ``cell(x[t])`` when it takes no state) for every step of [T,
    B, …] and stacks.

    The state is whatever the cell returned second at the step before, None at first.
    """

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell
        self.stateful = _takes_state(cell)
        self.train(cell.training)

    def forward(self, clip: Tensor) -> Tensor:
        """(T, B, …) → (T, B, …)."""
        state: Any = None
        outputs = []
        for x in clip.unbind(0):
            out = self.cell(x, state) if self.stateful else self.cell(x)
            if self.stateful and isinstance(out, (tuple, list)):
                out, state = out[0], out[1]
            outputs.append(out[0] if isinstance(out, (tuple, list)) else out)
        return torch.stack(outputs)


def _takes_state(cell: nn.Module) -> bool:
    positional = [
        p
        for p in inspect.signature(cell.forward).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return len(positional) > 1
