"""Spikingformer (Zhou et al., 2023): Spikformer with the neuron before every convolution.

The residual stream holds membrane currents, so every convolution but the stem sees spikes alone.
Module paths are those of the published energy log, so that its rates map one to one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from neurosim.models._blocks import MembraneMLP, NormedConv, attend, halve, on_the_grid
from neurosim.models._token_blocks import Branches, SpikingQKV, StemConvs, TokenClassifier
from neurosim.models.spikformer import SpikformerConfig
from neurosim.nn.lif import LIF

CONFIG = SpikformerConfig(unread_norms=True)


class Tokenizer(StemConvs):
    """3×3 convolution, then four times (LIF → max-pool → 3×3 convolution), a batch norm each."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__(c.in_channels, c.dim)
        self.proj_lif1, self.proj_lif2, self.proj_lif3 = LIF(), LIF(), LIF()
        self.rpe_lif = LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → [T, B, dim, H/16, W/16]."""
        x = self.proj_conv1(halve(self.proj_lif1(self.proj_conv(x))))
        x = self.proj_conv2(halve(self.proj_lif2(x)))
        x = self.proj_conv3(halve(self.proj_lif3(x)))
        return self.rpe_conv(halve(self.rpe_lif(x)))


class SpikingSelfAttention(SpikingQKV):
    """LIF → Q, K, V (1×1 convolution → batch norm → LIF) → LIF(Q·(KᵀV)·scale) → convolution."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__(c.dim, c.heads)
        self.scale = c.scale
        self.proj_lif, self.attn_lif = LIF(), LIF(v_threshold=0.5)
        self.proj_conv = NormedConv(c.dim, c.dim, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        q, k, v = self.qkv(self.proj_lif(x))
        mixed = self.attn_lif(attend(q, k, v, self.heads, self.scale))
        return self.proj_conv(on_the_grid(mixed, x))


class Block(Branches):
    """x + attention(x), then x + MLP(x): currents added to currents."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__(SpikingSelfAttention(c), MembraneMLP(c.dim, c.mlp_ratio))
        if c.unread_norms:
            self.norm1, self.norm2 = nn.LayerNorm(c.dim), nn.LayerNorm(c.dim)


class Spikingformer(TokenClassifier):
    """Clip [T, B, C, H, W] → logits [B, classes]; the mean over tokens and steps is classified."""

    title = "Spikingformer"

    def __init__(self, config: SpikformerConfig = CONFIG) -> None:
        super().__init__(config, Tokenizer, Block)


def build(**config: Any) -> Spikingformer:
    """``SpikformerConfig`` fields override the published architecture."""
    return Spikingformer(replace(CONFIG, **config))
