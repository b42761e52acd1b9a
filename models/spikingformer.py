"""Spikingformer (Zhou et al., 2023): Spikformer with the neuron before every convolution.

The residual stream holds membrane currents, so every convolution but the stem sees spikes alone.
Module paths are those of the published energy log, so that its rates map one to one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from neurosim.models._blocks import (
    MembraneMLP,
    NormedConv,
    attend,
    check_clip,
    check_heads,
    halve,
    on_the_grid,
    speak,
)
from neurosim.models.spikformer import SpikformerConfig
from neurosim.nn.lif import LIF

CONFIG = SpikformerConfig(unread_norms=True)


class Tokenizer(nn.Module):
    """3×3 convolution, then four times (LIF → max-pool → 3×3 convolution), a batch norm each."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__()
        d = c.dim
        self.proj_conv = NormedConv(c.in_channels, d // 8, 3)
        self.proj_lif1, self.proj_conv1 = LIF(), NormedConv(d // 8, d // 4, 3)
        self.proj_lif2, self.proj_conv2 = LIF(), NormedConv(d // 4, d // 2, 3)
        self.proj_lif3, self.proj_conv3 = LIF(), NormedConv(d // 2, d, 3)
        self.rpe_lif, self.rpe_conv = LIF(), NormedConv(d, d, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → [T, B, dim, H/16, W/16]."""
        x = self.proj_conv1(halve(self.proj_lif1(self.proj_conv(x))))
        x = self.proj_conv2(halve(self.proj_lif2(x)))
        x = self.proj_conv3(halve(self.proj_lif3(x)))
        return self.rpe_conv(halve(self.rpe_lif(x)))


class SpikingSelfAttention(nn.Module):
    """LIF → Q, K, V (1×1 convolution → batch norm → LIF) → LIF(Q·(KᵀV)·scale) → convolution."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__()
        self.heads, self.scale = c.heads, c.scale
        self.proj_lif = LIF()
        self.q_conv, self.q_lif = NormedConv(c.dim, c.dim), LIF()
        self.k_conv, self.k_lif = NormedConv(c.dim, c.dim), LIF()
        self.v_conv, self.v_lif = NormedConv(c.dim, c.dim), LIF()
        self.attn_lif = LIF(v_threshold=0.5)
        self.proj_conv = NormedConv(c.dim, c.dim, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        s = self.proj_lif(x)
        q, k = self.q_lif(self.q_conv(s)), self.k_lif(self.k_conv(s))
        v = self.v_lif(self.v_conv(s))
        mixed = self.attn_lif(attend(q, k, v, self.heads, self.scale))
        return self.proj_conv(on_the_grid(mixed, x))


class Block(nn.Module):
    """x + attention(x), then x + MLP(x): currents added to currents."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__()
        if c.unread_norms:
            self.norm1, self.norm2 = nn.LayerNorm(c.dim), nn.LayerNorm(c.dim)
        self.attn, self.mlp = SpikingSelfAttention(c), MembraneMLP(c.dim, c.mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class Spikingformer(nn.Module):
    """Clip [T, B, C, H, W] → logits [B, classes]; the mean over tokens and steps is classified."""

    def __init__(self, config: SpikformerConfig = CONFIG) -> None:
        super().__init__()
        check_heads("Spikingformer", config.dim, config.heads)
        self.config = config
        self.patch_embed = Tokenizer(config)
        self.block = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.head = nn.Linear(config.dim, config.classes)
        speak(self, stem="patch_embed.proj_conv.conv")

    def forward(self, clip: Tensor) -> Tensor:
        """Frames [T, B, C, H, W] → logits [B, classes]."""
        check_clip("Spikingformer", clip, self.config.in_channels)
        x = self.patch_embed(clip)
        for block in self.block:
            x = block(x)
        return self.head(x.flatten(3).mean(3).mean(0))


def build(**config: Any) -> Spikingformer:
    """``SpikformerConfig`` fields override the published architecture."""
    return Spikingformer(replace(CONFIG, **config))
