"""Spike-driven Transformer (Yao et al., NeurIPS 2023): attention of masks and additions alone.

Per head and channel, over the tokens: LIF(Σ K ⊙ V) masks Q. Shortcuts join membranes, so every
convolution but the stem sees spikes alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from neurosim.models._blocks import (
    MembraneMLP,
    NormedConv,
    check_clip,
    check_heads,
    halve,
    on_the_grid,
    speak,
    split_heads,
)
from neurosim.nn.lif import LIF


@dataclass(frozen=True)
class SDTConfig:
    """``unread_heads``: the released model holds a mixing of the heads that nothing reads."""

    dim: int = 512
    depth: int = 8
    heads: int = 8
    mlp_ratio: int = 4
    in_channels: int = 3
    classes: int = 1000
    unread_heads: bool = True


class PatchSplitting(nn.Module):
    """Four 3×3 convolutions, halved each; the last joins a position branch before it spikes."""

    def __init__(self, c: SDTConfig) -> None:
        super().__init__()
        d = c.dim
        self.proj_conv, self.proj_lif = NormedConv(c.in_channels, d // 8, 3), LIF()
        self.proj_conv1, self.proj_lif1 = NormedConv(d // 8, d // 4, 3), LIF()
        self.proj_conv2, self.proj_lif2 = NormedConv(d // 4, d // 2, 3), LIF()
        self.proj_conv3, self.proj_lif3 = NormedConv(d // 2, d, 3), LIF()
        self.rpe_conv = NormedConv(d, d, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → membranes [T, B, dim, H/16, W/16]."""
        x = halve(self.proj_lif(self.proj_conv(x)))
        x = halve(self.proj_lif1(self.proj_conv1(x)))
        x = halve(self.proj_lif2(self.proj_conv2(x)))
        x = halve(self.proj_conv3(x))
        return self.rpe_conv(self.proj_lif3(x)) + x


class SpikeDrivenAttention(nn.Module):
    """Q ⊙ LIF(Σ over the tokens of K ⊙ V) → 1×1 convolution → batch norm."""

    def __init__(self, c: SDTConfig) -> None:
        super().__init__()
        self.heads = c.heads
        self.shortcut_lif = LIF()
        self.q_conv, self.q_lif = NormedConv(c.dim, c.dim), LIF()
        self.k_conv, self.k_lif = NormedConv(c.dim, c.dim), LIF()
        self.v_conv, self.v_lif = NormedConv(c.dim, c.dim), LIF()
        self.talking_heads_lif = LIF(v_threshold=0.5)
        if c.unread_heads:
            self.talking_heads = nn.Conv1d(c.heads, c.heads, 1, bias=False)
        self.proj_conv = NormedConv(c.dim, c.dim, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        s = self.shortcut_lif(x)
        q, k = self.q_lif(self.q_conv(s)), self.k_lif(self.k_conv(s))
        v = self.v_lif(self.v_conv(s))
        q, k, v = (split_heads(y, self.heads) for y in (q, k, v))
        mask = self.talking_heads_lif((k * v).sum(-1, keepdim=True))
        return self.proj_conv(on_the_grid((q * mask).flatten(2, 3), x))


class Block(nn.Module):
    """x + attention(x), then x + MLP(x): membranes added to membranes."""

    def __init__(self, c: SDTConfig) -> None:
        super().__init__()
        self.attn, self.mlp = SpikeDrivenAttention(c), MembraneMLP(c.dim, c.mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class SpikeDrivenTransformer(nn.Module):
    """Clip [T, B, C, H, W] → logits [B, classes]: the mean over the steps."""

    def __init__(self, config: SDTConfig = SDTConfig()) -> None:
        super().__init__()
        check_heads("Spike-driven Transformer", config.dim, config.heads)
        self.config = config
        self.patch_embed = PatchSplitting(config)
        self.block = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.head_lif = LIF()
        self.head = nn.Linear(config.dim, config.classes)
        speak(self, stem="patch_embed.proj_conv.conv")

    def forward(self, clip: Tensor) -> Tensor:
        """Frames [T, B, C, H, W] → logits [B, classes]."""
        check_clip("Spike-driven Transformer", clip, self.config.in_channels)
        x = self.patch_embed(clip)
        for block in self.block:
            x = block(x)
        return self.head(self.head_lif(x.flatten(3).mean(3))).mean(0)


def build(**config: object) -> SpikeDrivenTransformer:
    """``SDTConfig`` fields override the published architecture."""
    return SpikeDrivenTransformer(SDTConfig(**config))  # type: ignore[arg-type]
