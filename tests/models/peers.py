"""Weights from a peer's implementation of an architecture to ours, layer by layer in order."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

DOWNLOADER = "torchvision._internally_replaced_utils"


def spikingjelly(module: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``spikingjelly.activation_based.<module>``; skips where SpikingJelly is not installed.

    Its model files take their downloader of weights from torchvision, and nothing else: an empty
    one stands in for it where torchvision is absent.
    """
    pytest.importorskip("spikingjelly", reason="SpikingJelly is not installed")
    if "torchvision" not in sys.modules and importlib.util.find_spec("torchvision") is None:
        for name in ("torchvision", DOWNLOADER):
            stand_in = ModuleType(name)
            stand_in.load_state_dict_from_url = None  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, stand_in)
    return importlib.import_module(f"spikingjelly.activation_based.{module}")


def loud(model: nn.Module) -> None:
    """Weights of N(0, 1.7² / (fan-in · 0.15)) from a fixed seed: every layer has spikes to send."""
    g = torch.Generator().manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            std = 1.7 / (layer.weight[0].numel() * 0.15) ** 0.5
            nn.init.normal_(layer.weight, std=std, generator=g)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def hand_over(theirs: nn.Module, ours: nn.Module) -> None:
    """Convolutions, linear maps and norms, in the order in which the modules were made.

    A peer's fused layer (Q, K and V in one) goes to as many of ours as have its outputs. A bias
    that one of the two does not have becomes 0 in the other.
    """
    for source, rows, target in _pairs(theirs, ours, (nn.Conv1d, nn.Conv2d, nn.Linear)):
        with torch.no_grad():
            target.weight.copy_(source.weight[rows].reshape(target.weight.shape))
            _bias(source, rows, target)
    for source, rows, target in _pairs(theirs, ours, (nn.modules.batchnorm._BatchNorm,)):
        for name, value in target.state_dict().items():
            if value.dim():
                value.copy_(source.state_dict()[name][rows])


def _bias(source: nn.Module, rows: slice, target: nn.Module) -> None:
    if source.bias is not None and target.bias is not None:
        target.bias.copy_(source.bias[rows])
        return
    for module in (source, target):
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _pairs(
    theirs: nn.Module, ours: nn.Module, kinds: tuple[type, ...]
) -> Iterator[tuple[nn.Module, slice, nn.Module]]:
    """(a layer of theirs, its outputs, the layer of ours that makes them)."""
    ready = (m for m in ours.modules() if isinstance(m, kinds))
    for source in (m for m in theirs.modules() if isinstance(m, kinds)):
        done = 0
        while done < len(source.weight):
            target = next(ready)
            yield source, slice(done, done + len(target.weight)), target
            done += len(target.weight)
        assert done == len(source.weight)
    assert next(ready, None) is None
