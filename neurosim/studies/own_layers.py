"""Dense operations of our own models at full size, on tensors without values ("meta")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Dense:
    """One forward of one clip: multiply-accumulates by module path, and biases added."""

    macs: Mapping[str, int]
    biases: Mapping[str, int]
    total: int  # of all multiply-accumulates, products of activities included
    parameters: int
    steps: int


@cache
def dense_operations(name: str, size: int | None = None) -> Dense:
    """Of a zoo model on a clip of its recipe's steps and size, or of another square ``size``.

    Raises UnknownName.
    """
    import torch

    from neurosim import models
    from neurosim.nn.lif import IF, LIF
    from neurosim.nn.plif import PLIF

    recipe = models.card(name).recipe
    height, width = recipe.size if size is None else (size, size)
    with torch.device("meta"):
        model = models.load(name)
    for neuron in model.modules():
        if isinstance(neuron, (LIF, IF, PLIF)):
            neuron.forward = lambda x: x  # a neuron multiplies no weights and keeps the shape
    clip = torch.empty(recipe.frames, 1, 3, height, width, device="meta")
    return _counted(model, clip, recipe.frames)


def _counted(model: nn.Module, clip: Any, steps: int) -> Dense:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    biases: dict[str, int] = {}
    handles = [
        m.register_forward_hook(lambda m, _, out, n=n: biases.update({n: out.numel()}))
        for n, m in model.named_modules()
        if getattr(m, "bias", None) is not None and m.weight.dim() > 1  # type: ignore[union-attr]
    ]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(clip)
    for handle in handles:
        handle.remove()
    root, flops = type(model).__name__, counter.get_flop_counts()
    macs = {
        name.removeprefix(f"{root}."): sum(by_op.values()) // 2 for name, by_op in flops.items()
    }
    parameters = sum(p.numel() for p in model.parameters())
    return Dense(macs, biases, sum(flops["Global"].values()) // 2, parameters, steps)
