"""Parts that several published spiking networks share; values are [T, B, C, H, W]."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from neurosim.errors import ModelError
from neurosim.nn.lif import LIF

ASSUMED_RATE, SPREAD = 0.15, 1.7


def per_frame(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply f: [N, ...] → [N, ...] to every frame of x [T, B, ...]."""
    y = f(x.flatten(0, 1))
    return y.unflatten(0, x.shape[:2])


def halve(x: Tensor) -> Tensor:
    """Max-pool 3×3, stride 2, padding 1."""
    return per_frame(lambda s: F.max_pool2d(s, 3, 2, 1), x)


class NormedConv(nn.Module):
    """Convolution → batch norm on every frame; no padding but the kernel's half."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int = 1, stride: int = 1, bias: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=bias)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C_in, H, W] → [T, B, C_out, H', W']."""
        return per_frame(lambda s: self.norm(self.conv(s)), x)


class SpikeMLP(nn.Module):
    """(1×1 convolution → batch norm → LIF) twice: spikes out."""

    def __init__(self, dim: int, ratio: int) -> None:
        super().__init__()
        self.fc1_conv, self.fc1_lif = NormedConv(dim, dim * ratio, bias=True), LIF()
        self.fc2_conv, self.fc2_lif = NormedConv(dim * ratio, dim, bias=True), LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        return self.fc2_lif(self.fc2_conv(self.fc1_lif(self.fc1_conv(x))))


class MembraneMLP(nn.Module):
    """(LIF → 1×1 convolution → batch norm) twice: currents out, for a membrane shortcut."""

    def __init__(self, dim: int, ratio: int) -> None:
        super().__init__()
        self.fc1_lif, self.fc1_conv = LIF(), NormedConv(dim, dim * ratio, bias=True)
        self.fc2_lif, self.fc2_conv = LIF(), NormedConv(dim * ratio, dim, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        return self.fc2_conv(self.fc2_lif(self.fc1_conv(self.fc1_lif(x))))


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, scale: float) -> Tensor:
    """Per step and head, over N = H·W tokens: Q·(KᵀV)·scale, in this order; no softmax."""
    q, k, v = (split_heads(s, heads) for s in (q, k, v))
    mixed = q.transpose(-1, -2) @ (k @ v.transpose(-1, -2)) * scale
    return mixed.transpose(-1, -2).flatten(2, 3)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[T, B, C, H, W] → [T, B, heads, C/heads, N]."""
    return x.flatten(3).unflatten(2, (heads, -1))


def on_the_grid(tokens: Tensor, like: Tensor) -> Tensor:
    """[T, B, C, N] → [T, B, C, H, W] of ``like``."""
    return tokens.unflatten(3, like.shape[3:])


def check_clip(name: str, clip: Tensor, channels: int) -> None:
    """Raises ModelError: not [T, B, channels, H, W]."""
    if clip.dim() != 5 or clip.shape[2] != channels:
        raise ModelError(
            f"{name}: expects a clip [T, B, {channels}, H, W], got {list(clip.shape)}; "
            "one frame is one step, an image is repeated"
        )


def check_heads(name: str, dim: int, heads: int) -> None:
    """Raises ModelError: channels that cannot be split into the heads."""
    if dim < 8 or dim % heads or dim % 8:
        raise ModelError(
            f"{name}: {dim} channels and {heads} heads; give a multiple of 8 and of the heads"
        )


def speak(model: nn.Module, stem: str) -> None:
    """Untrained weights: N(0, SPREAD² / (fan-in · rate)), biases 0; the stem sees reals.

    Spikes of the assumed rate then drive the next neurons with a standard deviation of ``SPREAD``
    thresholds: the network speaks before any batch norm has learnt its statistics.
    """
    for name, layer in model.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and not layer.weight.is_meta:
            moment = 1.0 if name == stem else ASSUMED_RATE
            nn.init.normal_(layer.weight, std=SPREAD / (layer.weight[0].numel() * moment) ** 0.5)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
