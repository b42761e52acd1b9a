"""QKFormer (Zhou et al., NeurIPS 2024): three stages; the first two mask the keys by the queries.

Token attention: LIF(Σ over a head's channels of Q) says which tokens of K stay. The last stage has
Spikformer's attention. Spikes are added to spikes, so the residual stream holds integers.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from neurosim.models._blocks import (
    NormedConv,
    SpikeMLP,
    check_clip,
    check_heads,
    halve,
    on_the_grid,
    speak,
    split_heads,
)
from neurosim.models.spikformer import SpikformerConfig, SpikingSelfAttention
from neurosim.nn.lif import LIF


@dataclass(frozen=True)
class QKFormerConfig:
    """``dim``: channels of the last stage, a half and a quarter of it before; ``depth``: blocks."""

    dim: int = 512
    depth: tuple[int, int, int] = (1, 2, 7)
    heads: int = 8
    mlp_ratio: int = 4
    in_channels: int = 3
    classes: int = 1000
    scale: float = 0.125


class Stem(nn.Module):
    """Convolutions to a quarter of the size, added to a strided shortcut."""

    def __init__(self, c_in: int, dim: int) -> None:
        super().__init__()
        self.proj_conv, self.proj_lif = NormedConv(c_in, dim // 2, 3), LIF()
        self.embed = Embedding(dim // 2, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → [T, B, dim, H/4, W/4]."""
        return self.embed(self.proj_lif(halve(self.proj_conv(x))))


class Embedding(nn.Module):
    """Two 3×3 convolutions, the first one halved, added to a strided 1×1 shortcut."""

    def __init__(self, c_in: int, dim: int) -> None:
        super().__init__()
        self.conv1, self.lif1 = NormedConv(c_in, dim, 3), LIF()
        self.conv2, self.lif2 = NormedConv(dim, dim, 3), LIF()
        self.res_conv, self.res_lif = NormedConv(c_in, dim, 1, 2), LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → [T, B, dim, H/2, W/2]."""
        y = self.lif1(halve(self.conv1(x)))
        return self.lif2(self.conv2(y)) + self.res_lif(self.res_conv(x))


class TokenAttention(nn.Module):
    """K ⊙ LIF(Σ over a head's channels of Q) → 1×1 convolution → batch norm → LIF."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_conv, self.q_lif = NormedConv(dim, dim), LIF()
        self.k_conv, self.k_lif = NormedConv(dim, dim), LIF()
        self.attn_lif = LIF(v_threshold=0.5)
        self.proj_conv, self.proj_lif = NormedConv(dim, dim, bias=True), LIF()

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        q = split_heads(self.q_lif(self.q_conv(x)), self.heads)
        k = split_heads(self.k_lif(self.k_conv(x)), self.heads)
        kept = self.attn_lif(q.sum(3, keepdim=True)) * k
        return self.proj_lif(self.proj_conv(on_the_grid(kept.flatten(2, 3), x)))


class Block(nn.Module):
    """x + attention(x), then x + MLP(x): spikes added to spikes."""

    def __init__(self, attention: nn.Module, dim: int, ratio: int) -> None:
        super().__init__()
        self.attn, self.mlp = attention, SpikeMLP(dim, ratio)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class QKFormer(nn.Module):
    """Clip [T, B, C, H, W] → logits [B, classes]; the mean over tokens and steps is classified."""

    def __init__(self, config: QKFormerConfig = QKFormerConfig()) -> None:
        super().__init__()
        c, dims = config, (config.dim // 4, config.dim // 2, config.dim)
        for dim in dims:
            check_heads("QKFormer", dim, c.heads)
        self.config = config
        self.patch_embed1 = Stem(c.in_channels, dims[0])
        self.stage1 = _stage(c, dims[0], c.depth[0])
        self.patch_embed2 = Embedding(dims[0], dims[1])
        self.stage2 = _stage(c, dims[1], c.depth[1])
        self.patch_embed3 = Embedding(dims[1], dims[2])
        self.stage3 = _stage(c, dims[2], c.depth[2], last=True)
        self.head = nn.Linear(c.dim, c.classes)
        speak(self, stem="patch_embed1.proj_conv.conv")

    def forward(self, clip: Tensor) -> Tensor:
        """Frames [T, B, C, H, W] → logits [B, classes]."""
        check_clip("QKFormer", clip, self.config.in_channels)
        x = self.stage1(self.patch_embed1(clip))
        x = self.stage2(self.patch_embed2(x))
        x = self.stage3(self.patch_embed3(x))
        return self.head(x.flatten(3).mean(3).mean(0))


def _stage(c: QKFormerConfig, dim: int, depth: int, last: bool = False) -> nn.Sequential:
    full = SpikformerConfig(dim=dim, heads=c.heads, scale=c.scale)
    return nn.Sequential(
        *(
            Block(
                SpikingSelfAttention(full) if last else TokenAttention(dim, c.heads),
                dim,
                c.mlp_ratio,
            )
            for _ in range(depth)
        )
    )


def build(**config: object) -> QKFormer:
    """``QKFormerConfig`` fields override the published architecture."""
    return QKFormer(QKFormerConfig(**config))  # type: ignore[arg-type]
