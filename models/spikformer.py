"""Spikformer (Zhou et al., ICLR 2023): spiking self-attention without softmax.

Every branch ends in spikes that are added to spikes: past the patch embedding the residual stream
holds integers 0, 1, 2, …, and so do the inputs of the convolutions that read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from neurosim.models._blocks import (
    NormedConv,
    SpikeMLP,
    attend,
    check_clip,
    check_heads,
    halve,
    on_the_grid,
    speak,
)
from neurosim.nn.lif import LIF


@dataclass(frozen=True)
class SpikformerConfig:
    """``dim``: channels of the tokens. ``unread_norms``: the released code holds two layer norms a
    block that nothing reads; Spikingformer's log counts them, the papers' tables do not.
    """

    dim: int = 512
    depth: int = 8
    heads: int = 8
    mlp_ratio: int = 4
    in_channels: int = 3
    classes: int = 1000
    scale: float = 0.125
    unread_norms: bool = False


class PatchSplitting(nn.Module):
    """Four times (3×3 convolution → batch norm → LIF → max-pool), then a position branch."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__()
        d = c.dim
        self.proj_conv, self.proj_lif = NormedConv(c.in_channels, d // 8, 3), LIF()
        self.proj_conv1, self.proj_lif1 = NormedConv(d // 8, d // 4, 3), LIF()
        self.proj_conv2, self.proj_lif2 = NormedConv(d // 4, d // 2, 3), LIF()
        self.proj_conv3, self.proj_lif3 = NormedConv(d // 2, d, 3), LIF()
        self.rpe_conv, self.rpe_lif = NormedConv(d, d, 3), LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → [T, B, dim, H/16, W/16]."""
        x = halve(self.proj_lif(self.proj_conv(x)))
        x = halve(self.proj_lif1(self.proj_conv1(x)))
        x = halve(self.proj_lif2(self.proj_conv2(x)))
        x = halve(self.proj_lif3(self.proj_conv3(x)))
        return self.rpe_lif(self.rpe_conv(x)) + x


class SpikingSelfAttention(nn.Module):
    """LIF(Q·(KᵀV)·scale) → 1×1 convolution → batch norm → LIF, with spiking Q, K, V."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__()
        self.heads, self.scale = c.heads, c.scale
        self.q_conv, self.q_lif = NormedConv(c.dim, c.dim), LIF()
        self.k_conv, self.k_lif = NormedConv(c.dim, c.dim), LIF()
        self.v_conv, self.v_lif = NormedConv(c.dim, c.dim), LIF()
        self.attn_lif = LIF(v_threshold=0.5)
        self.proj_conv, self.proj_lif = NormedConv(c.dim, c.dim, bias=True), LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        q, k = self.q_lif(self.q_conv(x)), self.k_lif(self.k_conv(x))
        v = self.v_lif(self.v_conv(x))
        mixed = self.attn_lif(attend(q, k, v, self.heads, self.scale))
        return self.proj_lif(self.proj_conv(on_the_grid(mixed, x)))


class Block(nn.Module):
    """x + attention(x), then x + MLP(x): spikes added to spikes."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__()
        if c.unread_norms:
            self.norm1, self.norm2 = nn.LayerNorm(c.dim), nn.LayerNorm(c.dim)
        self.attn, self.mlp = SpikingSelfAttention(c), SpikeMLP(c.dim, c.mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class Spikformer(nn.Module):
    """Clip [T, B, C, H, W] → logits [B, classes]; the mean over tokens and steps is classified."""

    def __init__(self, config: SpikformerConfig = SpikformerConfig()) -> None:
        super().__init__()
        check_heads("Spikformer", config.dim, config.heads)
        self.config = config
        self.patch_embed = PatchSplitting(config)
        self.block = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.head = nn.Linear(config.dim, config.classes)
        speak(self, stem="patch_embed.proj_conv.conv")

    def forward(self, clip: Tensor) -> Tensor:
        """Frames [T, B, C, H, W] → logits [B, classes]."""
        check_clip("Spikformer", clip, self.config.in_channels)
        x = self.patch_embed(clip)
        for block in self.block:
            x = block(x)
        return self.head(x.flatten(3).mean(3).mean(0))


def build(**config: object) -> Spikformer:
    """``SpikformerConfig`` fields override the published architecture."""
    return Spikformer(SpikformerConfig(**config))  # type: ignore[arg-type]
