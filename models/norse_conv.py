"""A plain norse network on N-MNIST-sized event frames: cells in ``SequentialState``, stepped."""

from __future__ import annotations

from typing import Any

import torch
from norse.torch import LIFBoxCell, LIFBoxParameters, LIFCell, LIFParameters, SequentialState
from torch import Tensor, nn

from neurosim.data.recipe import Recipe
from neurosim.errors import ModelError
from neurosim.models._card import ModelCard


class NorseConv(nn.Module):
    """Event frames [T, B, 2, 34, 34] → logits [B, classes], the mean output over the steps."""

    def __init__(self, classes: int = 10, channels: tuple[int, int] = (12, 32)) -> None:
        super().__init__()
        c1, c2 = channels
        box = LIFBoxParameters(tau_mem_inv=torch.tensor(500.0), alpha=torch.tensor(100.0))
        self.net = SequentialState(
            nn.Conv2d(2, c1, 5),
            LIFBoxCell(box),
            nn.MaxPool2d(2),
            nn.Conv2d(c1, c2, 5),
            LIFBoxCell(box),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(c2 * 5 * 5, 64),
            LIFCell(LIFParameters()),
            nn.Linear(64, classes),
        )
        self.apply(_scale_weights)

    def forward(self, clip: Tensor) -> Tensor:
        """[T, B, 2, 34, 34] → [B, classes]."""
        if clip.dim() != 5 or tuple(clip.shape[2:]) != (2, 34, 34):
            raise ModelError(
                f"norse_conv: expects event frames [T, B, 2, 34, 34], got {list(clip.shape)}; "
                "bin the events with the model's recipe"
            )
        state: Any = None
        outputs: list[Tensor] = []
        for frame in clip:
            out, state = self.net(frame, state)
            outputs.append(out)
        return torch.stack(outputs).mean(0)


def _scale_weights(module: nn.Module) -> None:
    """Standard deviation 2/√(fan-in · 0.1): sparse events reach threshold before any training."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.normal_(module.weight, std=2.0 / (module.weight[0].numel() * 0.1) ** 0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def build(**config: object) -> NorseConv:
    """``config``: classes, channels."""
    return NorseConv(**config)  # type: ignore[arg-type]


CARD = ModelCard(
    name="norse_conv",
    title="Convolutional network in norse",
    parameters=62_158,
    classes=10,
    recipe=Recipe(frames=30, size=(34, 34), channels="events", bin_ms=10.0, binary=True),
    note="A model to start from, on N-MNIST-sized events; not a published model.",
)
