"""What the Spikformer family shares: the stem's convolutions, spiking Q, K and V, the classifier.

Module paths are those of the released checkpoints and energy logs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from neurosim.models._blocks import NormedConv, check_clip, check_heads, speak
from neurosim.nn.lif import LIF


class StemConvs(nn.Module):
    """Four 3×3 convolutions to ``dim`` channels, one for the positions; the model adds neurons."""

    def __init__(self, in_channels: int, dim: int) -> None:
        super().__init__()
        self.proj_conv = NormedConv(in_channels, dim // 8, 3)
        self.proj_conv1 = NormedConv(dim // 8, dim // 4, 3)
        self.proj_conv2 = NormedConv(dim // 4, dim // 2, 3)
        self.proj_conv3 = NormedConv(dim // 2, dim, 3)
        self.rpe_conv = NormedConv(dim, dim, 3)


class SpikingQKV(nn.Module):
    """1×1 convolution → batch norm → LIF for each of queries, keys and values."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_conv, self.q_lif = NormedConv(dim, dim), LIF()
        self.k_conv, self.k_lif = NormedConv(dim, dim), LIF()
        self.v_conv, self.v_lif = NormedConv(dim, dim), LIF()

    def qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[T, B, C, H, W] → three of the same shape."""
        q, k = self.q_lif(self.q_conv(x)), self.k_lif(self.k_conv(x))
        return q, k, self.v_lif(self.v_conv(x))


class Branches(nn.Module):
    """x + attention(x), then x + MLP(x)."""

    def __init__(self, attn: nn.Module, mlp: nn.Module) -> None:
        super().__init__()
        self.attn, self.mlp = attn, mlp

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class TokenClassifier(nn.Module):
    """Clip [T, B, C, H, W] → logits [B, classes]; the mean over tokens and steps is classified."""

    title: str

    def __init__(
        self, config: Any, stem: Callable[[Any], nn.Module], block: Callable[[Any], nn.Module]
    ) -> None:
        super().__init__()
        check_heads(self.title, config.dim, config.heads)
        self.config = config
        self.patch_embed = stem(config)
        self.block = nn.ModuleList(block(config) for _ in range(config.depth))
        self.head = nn.Linear(config.dim, config.classes)
        speak(self, stem="patch_embed.proj_conv.conv")

    def forward(self, clip: Tensor) -> Tensor:
        """Frames [T, B, C, H, W] → logits [B, classes]."""
        check_clip(self.title, clip, self.config.in_channels)
        x = self.patch_embed(clip)
        for block in self.block:
            x = block(x)
        return self.classify(x.flatten(3).mean(3))

    def classify(self, x: Tensor) -> Tensor:
        """Means over the tokens [T, B, dim] → logits [B, classes]."""
        return self.head(x.mean(0))
