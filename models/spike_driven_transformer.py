"""Spike-driven Transformer (Yao et al., NeurIPS 2023): attention of masks and additions alone.

Per head and channel, over the tokens: LIF(Σ K ⊙ V) masks Q. Shortcuts join membranes, so every
convolution but the stem sees spikes alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from neurosim.models._blocks import MembraneMLP, NormedConv, halve, on_the_grid, split_heads
from neurosim.models._token_blocks import Branches, SpikingQKV, StemConvs, TokenClassifier
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


class PatchSplitting(StemConvs):
    """Four 3×3 convolutions, halved each; the last joins a position branch before it spikes."""

    def __init__(self, c: SDTConfig) -> None:
        super().__init__(c.in_channels, c.dim)
        self.proj_lif, self.proj_lif1, self.proj_lif2, self.proj_lif3 = LIF(), LIF(), LIF(), LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → membranes [T, B, dim, H/16, W/16]."""
        x = halve(self.proj_lif(self.proj_conv(x)))
        x = halve(self.proj_lif1(self.proj_conv1(x)))
        x = halve(self.proj_lif2(self.proj_conv2(x)))
        x = halve(self.proj_conv3(x))
        return self.rpe_conv(self.proj_lif3(x)) + x


class SpikeDrivenAttention(SpikingQKV):
    """Q ⊙ LIF(Σ over the tokens of K ⊙ V) → 1×1 convolution → batch norm."""

    def __init__(self, c: SDTConfig) -> None:
        super().__init__(c.dim, c.heads)
        self.shortcut_lif, self.talking_heads_lif = LIF(), LIF(v_threshold=0.5)
        if c.unread_heads:
            self.talking_heads = nn.Conv1d(c.heads, c.heads, 1, bias=False)
        self.proj_conv = NormedConv(c.dim, c.dim, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        q, k, v = (split_heads(s, self.heads) for s in self.qkv(self.shortcut_lif(x)))
        mask = self.talking_heads_lif((k * v).sum(-1, keepdim=True))
        return self.proj_conv(on_the_grid((q * mask).flatten(2, 3), x))


class Block(Branches):
    """x + attention(x), then x + MLP(x): membranes added to membranes."""

    def __init__(self, c: SDTConfig) -> None:
        super().__init__(SpikeDrivenAttention(c), MembraneMLP(c.dim, c.mlp_ratio))


class SpikeDrivenTransformer(TokenClassifier):
    """Clip [T, B, C, H, W] → logits [B, classes]: the mean over the steps."""

    title = "Spike-driven Transformer"

    def __init__(self, config: SDTConfig = SDTConfig()) -> None:
        super().__init__(config, PatchSplitting, Block)
        self.head_lif = LIF()

    def classify(self, x: Tensor) -> Tensor:
        """Means over the tokens spike, and every step is classified."""
        return self.head(self.head_lif(x)).mean(0)


def build(**config: object) -> SpikeDrivenTransformer:
    """``SDTConfig`` fields override the published architecture."""
    return SpikeDrivenTransformer(SDTConfig(**config))  # type: ignore[arg-type]
