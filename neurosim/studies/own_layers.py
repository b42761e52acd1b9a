"""Dense operations of our own models at full size, on tensors without values ("meta")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Dense:
    """One forward of one clip: multiply-accumulates and biases of every layer with weights.

    A layer has outputs × its weights per output, padding included; products of two activities are
    not among them.
    """

    macs: Mapping[str, int]
    biases: Mapping[str, int]
    steps: int

    def of(self, module: str, bias: bool = False) -> int:
        """Operations of a layer, or of all layers inside a module ("": of the model)."""
        macs = sum(n for path, n in self.macs.items() if _inside(path, module))
        added = sum(n for path, n in self.biases.items() if _inside(path, module))
        return macs + (added if bias else 0)


def _inside(path: str, module: str) -> bool:
    return not module or path == module or path.startswith(f"{module}.")


@cache
def dense_operations(name: str, size: int | None = None) -> Dense:
    """Of a zoo model on a clip of its recipe's steps and size, or of another square ``size``.

    Raises UnknownName.
    """
    import torch

    from neurosim import models

    recipe = models.card(name).recipe
    height, width = recipe.size if size is None else (size, size)
    with torch.device("meta"):
        model = models.load(name)
    clip = torch.empty(recipe.frames, 1, 3, height, width, device="meta")
    _without_arithmetic(model)
    return _counted(model, clip)


def _unchanged(x: Tensor) -> Tensor:
    return x


def _without_arithmetic(model: nn.Module) -> None:
    """Neurons and norms keep a value's shape and hold no synapses: they need not run."""
    from torch import nn

    from neurosim.nn.lif import IF, LIF
    from neurosim.nn.plif import PLIF

    for module in model.modules():
        if isinstance(module, (LIF, IF, PLIF, nn.BatchNorm2d)):
            setattr(module, "forward", _unchanged)  # noqa: B010


def _counted(model: nn.Module, clip: Tensor) -> Dense:
    import torch
    from torch import nn

    macs: dict[str, int] = {}
    biases: dict[str, int] = {}

    def count(name: str, layer: Any, out: Any) -> None:
        macs[name] = out.numel() * layer.weight[0].numel()
        if layer.bias is not None:
            biases[name] = out.numel()

    for name, layer in model.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(lambda m, _, out, n=name: count(n, m, out))
    with torch.no_grad():
        model(clip)
    return Dense(macs, biases, len(clip))
