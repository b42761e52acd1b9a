"""What to tell a user whose model fails on the clip: the layer, what it expects, what it got."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from neurosim.capture.trace import Failed
from neurosim.errors import ModelError


def check_parameters(root: nn.Module | None) -> None:
    """Raise ModelError naming the first parameter that holds NaN or infinity."""
    for name, parameter in [] if root is None else root.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            continue
        bad = parameter.numel() - int(torch.isfinite(parameter).sum())
        if bad:
            raise ModelError(
                f"at {name!r}: {bad} of its {parameter.numel()} numbers are NaN or infinite; "
                "load weights that are finite"
            )


def explain(failed: Failed | None, clip: Tensor, error: Exception) -> str:
    """One line: place, what was found, remedy."""
    told = None if failed is None else _layer(failed.module, failed.args)
    if failed is not None and told:
        return f"at {failed.path!r} ({type(failed.module).__name__}): {told}"
    place = (
        f"at {failed.path!r} ({type(failed.module).__name__}): "
        if failed is not None and failed.path
        else ""
    )
    text = " ".join(str(error).split())[:300]
    return (
        f"{place}the model fails on a clip of shape {tuple(clip.shape)} with "
        f"{type(error).__name__}: {text}; "
        "check the clip's axes and channels"
    )


def _layer(module: nn.Module, args: tuple[Any, ...]) -> str:
    x = args[0] if args and isinstance(args[0], Tensor) else None
    if x is None:
        return ""
    other = _other_dtype(module, x)
    if other:
        return other
    if isinstance(module, _ConvNd):
        return _convolution(module, x)
    if isinstance(module, _BatchNorm) and x.ndim > 1 and x.shape[1] != module.num_features:
        return _channels(module.num_features, x.shape[1], "num_features")
    if isinstance(module, nn.Linear) and x.shape[-1] != module.in_features:
        return (
            f"expects {module.in_features} features, got {x.shape[-1]} (input "
            f"{tuple(x.shape)}); check the clip's size"
        )
    return ""


def _other_dtype(module: nn.Module, x: Tensor) -> str:
    """What to say of weights in double or half precision; empty: they go with the input."""
    for name, weight in module.named_parameters():
        if weight.is_floating_point() and weight.dtype != torch.float32:
            return (
                f"its {name} is {weight.dtype}, clips are torch.float32; "
                "convert the model with model.float()"
            )
    return (
        ""
        if x.dtype == torch.float32 or not x.is_floating_point()
        else (f"its input became {x.dtype} on the way, clips are torch.float32; compute in float32")
    )


def _convolution(module: _ConvNd, x: Tensor) -> str:
    rank = len(module.kernel_size)
    if x.ndim != rank + 2:
        return (
            f"expects {rank + 2} axes (N, C and {rank} of space), got {tuple(x.shape)}; "
            "fold time into the batch, or loop over the steps"
        )
    return (
        ""
        if x.shape[1] == module.in_channels
        else _channels(module.in_channels, x.shape[1], "in_channels")
    )


def _channels(wanted: int, got: int, argument: str) -> str:
    return (
        f"expects {wanted} input channels, got {got}; pass a clip with {wanted} channels or "
        f"build the model with "
        f"{argument}={got}"
    )
