"""Meta-SpikeFormer, the Spike-driven Transformer V2 (Yao et al., ICLR 2024), and what video adds.

Two convolutional stages, then two of attention; shortcuts join membranes. Q, K, V and the output
are re-parameterisable convolutions (1×1, depth-wise 3×3, 1×1) without a neuron inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from neurosim.errors import ModelError
from neurosim.models._blocks import (
    MembraneMLP,
    NormedConv,
    attend,
    check_clip,
    check_heads,
    on_the_grid,
    per_frame,
    speak,
)
from neurosim.nn.lif import LIF

Attention = Literal["space", "space_time", "hamming"]


@dataclass(frozen=True)
class MetaSpikeFormerConfig:
    """``channels``, ``depth``: of the four stages. ``attention``: per step ("space", as published),
    over all steps together ("space_time"), or SpikeVideoFormer's Hamming similarity of the latter.
    """

    channels: tuple[int, int, int, int] = (128, 256, 512, 640)
    depth: tuple[int, int, int, int] = (1, 2, 6, 2)
    heads: int = 8
    mlp_ratio: int = 4
    in_channels: int = 3
    classes: int = 1000
    attention: Attention = "space"
    scale: float = 0.125


class SeparableConv(nn.Module):
    """LIF → 1×1 → batch norm → LIF → depth-wise 7×7 → 1×1 → batch norm."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.lif1, self.pwconv1 = LIF(), NormedConv(dim, 2 * dim)
        self.lif2 = LIF()
        self.dwconv = nn.Conv2d(2 * dim, 2 * dim, 7, padding=3, groups=2 * dim, bias=False)
        self.pwconv2 = NormedConv(2 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        return self.pwconv2(per_frame(self.dwconv, self.lif2(self.pwconv1(self.lif1(x)))))


class ConvBlock(nn.Module):
    """x + separable convolution, then x + (LIF → 3×3 convolution → batch norm) twice."""

    def __init__(self, dim: int, ratio: int) -> None:
        super().__init__()
        self.sep = SeparableConv(dim)
        self.lif1, self.conv1 = LIF(), NormedConv(dim, ratio * dim, 3)
        self.lif2, self.conv2 = LIF(), NormedConv(ratio * dim, dim, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        x = x + self.sep(x)
        return x + self.conv2(self.lif2(self.conv1(self.lif1(x))))


class RepConv(nn.Module):
    """1×1 → norm of the padded map → depth-wise 3×3 → 1×1 → two batch norms.

    The border holds the norm of zero, as if the map had been padded before it was normed.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(dim, dim, 1, bias=False)
        self.inner_norm = nn.BatchNorm2d(dim)
        self.depthwise = nn.Conv2d(dim, dim, 3, groups=dim, bias=False)
        self.outer = nn.Conv2d(dim, dim, 1, bias=False)
        self.outer_norm, self.norm = nn.BatchNorm2d(dim), nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        return per_frame(self._frame, x)

    def _frame(self, x: Tensor) -> Tensor:
        x = self.inner_norm(F.pad(self.inner(x), (1, 1, 1, 1)))
        return self.norm(self.outer_norm(self.outer(self.depthwise(x))))


class SpikeAttention(nn.Module):
    """LIF → Q, K, V (RepConv → LIF) → LIF(attention) → RepConv."""

    def __init__(self, c: MetaSpikeFormerConfig, dim: int) -> None:
        super().__init__()
        self.kind, self.heads, self.scale = c.attention, c.heads, c.scale
        self.head_lif = LIF()
        self.q_conv, self.q_lif = RepConv(dim), LIF()
        self.k_conv, self.k_lif = RepConv(dim), LIF()
        self.v_conv, self.v_lif = RepConv(dim), LIF()
        if c.attention == "hamming":
            self.attn_norm = nn.BatchNorm2d(dim)
        self.attn_lif = LIF(v_threshold=1.0 if c.attention == "hamming" else 0.5)
        self.proj_conv = RepConv(dim)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        s = self.head_lif(x)
        q, k = self.q_lif(self.q_conv(s)), self.k_lif(self.k_conv(s))
        v = self.v_lif(self.v_conv(s))
        return self.proj_conv(self.attn_lif(self._attend(q, k, v)))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if self.kind == "space":
            return on_the_grid(attend(q, k, v, self.heads, self.scale), q)
        if self.kind == "space_time":
            return space_time(q, k, v, self.heads) * self.scale
        mixed = space_time(2 * q - 1, 2 * k - 1, v, self.heads) / (2 * q.shape[2])
        return per_frame(self.attn_norm, mixed)


def space_time(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Per head, over the tokens of all steps together: Q·(KᵀV), in this order."""
    steps, grid = q.shape[0], q.shape[3:]
    q, k, v = (_tokens(s, heads) for s in (q, k, v))
    mixed = q @ (k.transpose(-1, -2) @ v)  # [B, heads, T·N, C/heads]
    return mixed.transpose(-1, -2).flatten(1, 2).unflatten(2, (steps, *grid)).movedim(2, 0)


def _tokens(x: Tensor, heads: int) -> Tensor:
    """[T, B, C, H, W] → [B, heads, T·N, C/heads]."""
    return x.movedim(0, 2).flatten(2).unflatten(1, (heads, -1)).transpose(-1, -2)


class AttentionBlock(nn.Module):
    """x + attention(x), then x + MLP(x)."""

    def __init__(self, c: MetaSpikeFormerConfig, dim: int) -> None:
        super().__init__()
        self.attn, self.mlp = SpikeAttention(c, dim), MembraneMLP(dim, c.mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class Downsampling(nn.Module):
    """LIF (none before the clip) → convolution → batch norm."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int = 3, stride: int = 2, first: bool = False
    ) -> None:
        super().__init__()
        self.encode_lif = nn.Identity() if first else LIF()
        self.encode_conv = NormedConv(c_in, c_out, kernel, stride, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C_in, H, W] → [T, B, C_out, H/stride, W/stride]."""
        return self.encode_conv(self.encode_lif(x))


class MetaSpikeFormer(nn.Module):
    """Clip [T, B, C, H, W] → logits [B, classes]: the mean over the steps."""

    def __init__(self, config: MetaSpikeFormerConfig = MetaSpikeFormerConfig()) -> None:
        super().__init__()
        c, (c1, c2, c3, c4), depth = config, config.channels, config.depth
        self.config = config
        _check(config)
        self.downsample1_1 = Downsampling(c.in_channels, c1 // 2, 7, first=True)
        self.stage1_1 = nn.Sequential(*(ConvBlock(c1 // 2, c.mlp_ratio) for _ in range(depth[0])))
        self.downsample1_2 = Downsampling(c1 // 2, c1)
        self.stage1_2 = nn.Sequential(*(ConvBlock(c1, c.mlp_ratio) for _ in range(depth[0])))
        self.downsample2 = Downsampling(c1, c2)
        self.stage2 = nn.Sequential(*(ConvBlock(c2, c.mlp_ratio) for _ in range(depth[1])))
        self.downsample3 = Downsampling(c2, c3)
        self.stage3 = nn.Sequential(*(AttentionBlock(c, c3) for _ in range(depth[2])))
        self.downsample4 = Downsampling(c3, c4, stride=1)
        self.stage4 = nn.Sequential(*(AttentionBlock(c, c4) for _ in range(depth[3])))
        self.lif = LIF()
        self.head = nn.Linear(c4, c.classes)
        speak(self, stem="downsample1_1.encode_conv.conv")

    def forward(self, clip: Tensor) -> Tensor:
        """Frames [T, B, C, H, W] → logits [B, classes]."""
        check_clip(type(self).__name__, clip, self.config.in_channels)
        x = self.stage1_1(self.downsample1_1(clip))
        x = self.stage1_2(self.downsample1_2(x))
        x = self.stage2(self.downsample2(x))
        x = self.stage3(self.downsample3(x))
        x = self.stage4(self.downsample4(x))
        return self.head(self.lif(x.flatten(3).mean(3))).mean(0)


def _check(c: MetaSpikeFormerConfig) -> None:
    """Raises ModelError."""
    if c.attention not in ("space", "space_time", "hamming"):
        raise ModelError(
            f"Meta-SpikeFormer: attention is {c.attention!r}; give space, space_time or hamming"
        )
    for dim in c.channels[2:]:
        check_heads("Meta-SpikeFormer", dim, c.heads)


def build(**config: object) -> MetaSpikeFormer:
    """``MetaSpikeFormerConfig`` fields override the published architecture."""
    return MetaSpikeFormer(MetaSpikeFormerConfig(**config))  # type: ignore[arg-type]
