"""Spikformer (Zhou et al., ICLR 2023): spiking self-attention without softmax.

Every branch ends in spikes that are added to spikes: past the patch embedding the residual stream
holds integers 0, 1, 2, …, and so do the inputs of the convolutions that read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from neurosim.models._blocks import NormedConv, SpikeMLP, attend, halve, on_the_grid
from neurosim.models._token_blocks import Branches, SpikingQKV, StemConvs, TokenClassifier
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


class PatchSplitting(StemConvs):
    """Four times (3×3 convolution → batch norm → LIF → max-pool), then a position branch."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__(c.in_channels, c.dim)
        self.proj_lif, self.proj_lif1, self.proj_lif2, self.proj_lif3 = LIF(), LIF(), LIF(), LIF()
        self.rpe_lif = LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → [T, B, dim, H/16, W/16]."""
        x = halve(self.proj_lif(self.proj_conv(x)))
        x = halve(self.proj_lif1(self.proj_conv1(x)))
        x = halve(self.proj_lif2(self.proj_conv2(x)))
        x = halve(self.proj_lif3(self.proj_conv3(x)))
        return self.rpe_lif(self.rpe_conv(x)) + x


class SpikingSelfAttention(SpikingQKV):
    """LIF(Q·(KᵀV)·scale) → 1×1 convolution → batch norm → LIF, with spiking Q, K, V."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__(c.dim, c.heads)
        self.scale = c.scale
        self.attn_lif = LIF(v_threshold=0.5)
        self.proj_conv, self.proj_lif = NormedConv(c.dim, c.dim, bias=True), LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        mixed = self.attn_lif(attend(*self.qkv(x), self.heads, self.scale))
        return self.proj_lif(self.proj_conv(on_the_grid(mixed, x)))


class Block(Branches):
    """x + attention(x), then x + MLP(x): spikes added to spikes."""

    def __init__(self, c: SpikformerConfig) -> None:
        super().__init__(SpikingSelfAttention(c), SpikeMLP(c.dim, c.mlp_ratio))
        if c.unread_norms:
            self.norm1, self.norm2 = nn.LayerNorm(c.dim), nn.LayerNorm(c.dim)


class Spikformer(TokenClassifier):
    """Clip [T, B, C, H, W] → logits [B, classes]; the mean over tokens and steps is classified."""

    title = "Spikformer"

    def __init__(self, config: SpikformerConfig = SpikformerConfig()) -> None:
        super().__init__(config, PatchSplitting, Block)


def build(**config: object) -> Spikformer:
    """``SpikformerConfig`` fields override the published architecture."""
    return Spikformer(SpikformerConfig(**config))  # type: ignore[arg-type]
