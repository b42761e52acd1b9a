"""SVFormer (Yu et al., 2024, arXiv 2406.15034): a spiking video transformer, a frame per time step.

Every residual branch starts with a neuron (PLIF → linear map → per-step batch norm, added to a
real x). Stages 1 and 2 mix locally (LFE), stages 3 and 4 by spike attention without softmax (GSA);
a local pathway from the input of stage 3 joins the output of stage 4; the head is one grouped
convolution over all steps and all of space. Module paths are those of the published log, so that
measured rates map one to one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from neurosim.data.recipe import Recipe
from neurosim.errors import ModelError
from neurosim.models._card import Accuracy, ModelCard
from neurosim.nn.leaky import LeakyReLU
from neurosim.nn.norm import PerStepBatchNorm
from neurosim.nn.plif import PLIF
from neurosim.nn.surrogate import ATan, Fires, Surrogate


@dataclass(frozen=True)
class SVFormerConfig:
    """``size``: height and width of a frame; ``channels`` and ``depth``: of the four stages.

    Few tokens and narrow heads make a product of three spike trains that no neuron answers to:
    ``qkv_spread`` (``_on_spikes`` of Q, K, V) and ``qkv_gain`` (first weight of their norms) raise
    it, ``attention_scale`` (None: 1/√head_dim, as published) replaces its factor. ``fires``: what a
    membrane at the threshold does; norse's surrogates know ``">"`` alone. ``neuron``: "plif", or
    "relu", the dense twin that integrates alike and has a ReLU where there were spikes.
    """

    steps: int = 16
    size: int = 224
    in_channels: int = 3
    classes: int = 101
    channels: tuple[int, int, int, int] = (128, 256, 384, 512)
    depth: tuple[int, int, int, int] = (1, 1, 3, 1)
    head_dim: int = 64
    mlp_ratio: int = 2
    surrogate: Surrogate = ATan(2.0)
    neuron: Literal["plif", "relu"] = "plif"
    fires: Fires = ">="
    v_threshold: float = 1.0
    qkv_spread: float = 1.0
    qkv_gain: float = 1.0
    attention_scale: float | None = None

    @property
    def grid(self) -> int:
        """Height and width of the last feature map: /4, then halved three times."""
        side = (self.size + 2 - 6) // 4 + 1
        return side // 8

    def check(self) -> None:
        """Raises ModelError: a size or a width that the architecture cannot hold."""
        if self.size < 32 or self.size % 32:
            raise ModelError(f"SVFormer: size is {self.size}; give a multiple of 32")
        if self.neuron not in ("plif", "relu"):
            raise ModelError(f"SVFormer: neuron is {self.neuron!r}; give 'plif' or 'relu'")
        if any(c % self.head_dim for c in self.channels[2:]):
            raise ModelError(
                f"SVFormer: stages 3 and 4 have {self.channels[2:]} channels; give multiples of "
                f"head_dim={self.head_dim}"
            )


ASSUMED_RATE, SPREAD = 0.15, 1.7
Layer = TypeVar("Layer", nn.Conv2d, nn.Conv3d, nn.Linear)


def _on_spikes(layer: Layer, spread: float = SPREAD) -> Layer:
    """Untrained weights of a layer that sees spikes: N(0, spread² / (fan-in · rate)), biases 0.

    Spikes of that rate then drive the next neurons with a standard deviation of ``spread``
    thresholds, so that the network speaks before any batch norm has learnt its statistics.
    """
    nn.init.normal_(layer.weight, std=spread / (layer.weight[0].numel() * ASSUMED_RATE) ** 0.5)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def _on_reals(layer: Layer, spread: float = 1.0) -> Layer:
    """The same for a layer that sees real values: N(0, spread² / fan-in)."""
    return _on_spikes(layer, spread * ASSUMED_RATE**0.5)


def _plif(c: SVFormerConfig) -> PLIF | LeakyReLU:
    if c.neuron == "relu":
        return LeakyReLU()
    return PLIF(v_threshold=c.v_threshold, fires=c.fires, surrogate=c.surrogate)


def _per_frame(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply f: [N, ...] → [N, ...] to every frame of x [T, B, ...]."""
    y = f(x.flatten(0, 1))
    return y.unflatten(0, x.shape[:2])


class PatchEmbed(nn.Module):
    """[PLIF →] strided convolution → per-step batch norm; the first one sees the frames."""

    def __init__(self, c: SVFormerConfig, c_in: int, c_out: int, first: bool = False) -> None:
        super().__init__()
        self.in_lif = nn.Identity() if first else _plif(c)
        if first:
            self.proj = _on_reals(nn.Conv2d(c_in, c_out, 6, 4, 1), SPREAD)
        else:
            self.proj = _on_spikes(nn.Conv2d(c_in, c_out, 4, 2, 1))
        self.norm = PerStepBatchNorm(c_out, c.steps)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C_in, H, W] → [T, B, C_out, H', W']."""
        return self.norm(_per_frame(self.proj, self.in_lif(x)))


class ConvMLP(nn.Module):
    """(PLIF → 1×1 convolution → per-step batch norm) twice."""

    def __init__(self, c: SVFormerConfig, channels: int) -> None:
        super().__init__()
        hidden = channels * c.mlp_ratio
        self.act1, self.fc1 = _plif(c), _on_spikes(nn.Conv2d(channels, hidden, 1))
        self.norm1 = PerStepBatchNorm(hidden, c.steps)
        self.act2, self.fc2 = _plif(c), _on_spikes(nn.Conv2d(hidden, channels, 1))
        self.norm2 = PerStepBatchNorm(channels, c.steps)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        x = self.norm1(_per_frame(self.fc1, self.act1(x)))
        return self.norm2(_per_frame(self.fc2, self.act2(x)))


class LocalBlock(nn.Module):
    """Local feature extractor: x + BN(conv1x1(dw5x5(conv1x1(PLIF(x))))), then x + ConvMLP(x).

    There is no neuron between the three convolutions, so two of them see real values.
    """

    def __init__(self, c: SVFormerConfig, channels: int) -> None:
        super().__init__()
        self.act1 = _plif(c)
        self.conv1 = _on_spikes(nn.Conv2d(channels, channels, 1))
        self.attn = _on_reals(nn.Conv2d(channels, channels, 5, padding=2, groups=channels))
        self.conv2 = _on_reals(nn.Conv2d(channels, channels, 1))
        self.norm1 = PerStepBatchNorm(channels, c.steps)
        self.mlp = ConvMLP(c, channels)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        mixed = _per_frame(lambda s: self.conv2(self.attn(self.conv1(s))), self.act1(x))
        x = x + self.norm1(mixed)
        return x + self.mlp(x)


class SpikeAttention(nn.Module):
    """Per step, over N = H·W tokens: Q·(KᵀV)·d^-½ with spiking Q, K, V, in this order."""

    def __init__(self, c: SVFormerConfig, channels: int) -> None:
        super().__init__()
        self.head_dim = c.head_dim
        self.scale = c.head_dim**-0.5 if c.attention_scale is None else c.attention_scale
        self.in_lif = _plif(c)
        self.qkv = _on_spikes(nn.Linear(channels, 3 * channels), c.qkv_spread)
        self.qkv_norm = PerStepBatchNorm(3 * channels, c.steps, channels_last=True)
        nn.init.constant_(self.qkv_norm.weight, c.qkv_gain)
        self.q_lif = _plif(c)
        self.k_lif = _plif(c)
        self.v_lif = _plif(c)
        self.proj_lif = _plif(c)
        self.proj = _on_spikes(nn.Linear(channels, channels))
        self.proj_norm = PerStepBatchNorm(channels, c.steps, channels_last=True)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [T, B, N, C] → same shape."""
        q, k, v = self.qkv_norm(self.qkv(self.in_lif(x))).chunk(3, dim=-1)
        q, k, v = (self._heads(s) for s in (self.q_lif(q), self.k_lif(k), self.v_lif(v)))
        mixed = q @ (k.transpose(-2, -1) @ v) * self.scale
        return self.proj_norm(self.proj(self.proj_lif(mixed.transpose(2, 3).flatten(3))))

    def _heads(self, x: Tensor) -> Tensor:
        """[T, B, N, C] → [T, B, heads, N, d]."""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(2, 3)


class TokenMLP(nn.Module):
    """(PLIF → linear → per-step batch norm) twice."""

    def __init__(self, c: SVFormerConfig, channels: int) -> None:
        super().__init__()
        hidden = channels * c.mlp_ratio
        self.act1, self.fc1 = _plif(c), _on_spikes(nn.Linear(channels, hidden))
        self.norm1 = PerStepBatchNorm(hidden, c.steps, channels_last=True)
        self.act2, self.fc2 = _plif(c), _on_spikes(nn.Linear(hidden, channels))
        self.norm2 = PerStepBatchNorm(channels, c.steps, channels_last=True)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [T, B, N, C] → same shape."""
        x = self.norm1(self.fc1(self.act1(x)))
        return self.norm2(self.fc2(self.act2(x)))


class GlobalBlock(nn.Module):
    """Global self-attention: x + SpikeAttention(x), then x + TokenMLP(x), over tokens."""

    def __init__(self, c: SVFormerConfig, channels: int) -> None:
        super().__init__()
        self.attn = SpikeAttention(c, channels)
        self.mlp = TokenMLP(c, channels)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → same shape."""
        tokens = x.flatten(3).transpose(2, 3)
        tokens = tokens + self.attn(tokens)
        tokens = tokens + self.mlp(tokens)
        return tokens.transpose(2, 3).unflatten(3, x.shape[3:])


class SVFormer(nn.Module):
    """Clip [T, B, C, H, W] → logits [B, classes]; neurons start afresh on every call."""

    def __init__(self, config: SVFormerConfig = SVFormerConfig()) -> None:
        super().__init__()
        config.check()
        c, (c1, c2, c3, c4) = config, config.channels
        self.config = config
        self.patch_embed1 = PatchEmbed(c, c.in_channels, c1, first=True)
        self.patch_embed2 = PatchEmbed(c, c1, c2)
        self.patch_embed3 = PatchEmbed(c, c2, c3)
        self.patch_embed4 = PatchEmbed(c, c3, c4)
        self.blocks1 = nn.Sequential(*(LocalBlock(c, c1) for _ in range(c.depth[0])))
        self.blocks2 = nn.Sequential(*(LocalBlock(c, c2) for _ in range(c.depth[1])))
        self.blocks3 = nn.Sequential(*(GlobalBlock(c, c3) for _ in range(c.depth[2])))
        self.blocks4 = nn.Sequential(*(GlobalBlock(c, c4) for _ in range(c.depth[3])))
        self.lplif = _plif(c)
        self.lpDWConv = _on_spikes(nn.Conv2d(c3, c3, 3, stride=2, padding=1, groups=c3))
        self.lpPWConv = _on_reals(nn.Conv2d(c3, c4, 1))
        self.lpnorm = PerStepBatchNorm(c4, c.steps)
        self.lif_bf_head = _plif(c)
        window = (c.steps, c.grid, c.grid)
        self.dwconv_bf_head = _on_spikes(nn.Conv3d(2 * c4, 2 * c4, window, groups=c4))
        self.norm_bf_head = nn.BatchNorm3d(2 * c4)
        self.head = _on_reals(nn.Linear(2 * c4, c.classes))
        _statistics_for(self, c.v_threshold)

    def forward(self, clip: Tensor) -> Tensor:
        """Frames [T, B, C, H, W] → logits [B, classes]."""
        self._check_clip(clip)
        x = self.blocks1(self.patch_embed1(clip))
        x = self.blocks2(self.patch_embed2(x))
        x = self.patch_embed3(x)
        local = _per_frame(lambda s: self.lpPWConv(self.lpDWConv(s)), self.lplif(x))
        x = self.blocks4(self.patch_embed4(self.blocks3(x)))
        spikes = self.lif_bf_head(torch.cat((x, self.lpnorm(local)), dim=2))
        pooled = self.norm_bf_head(self.dwconv_bf_head(spikes.permute(1, 2, 0, 3, 4)))
        return self.head(pooled.flatten(1))

    def _check_clip(self, clip: Tensor) -> None:
        c = self.config
        expected = (c.steps, c.in_channels, c.size, c.size)
        if clip.dim() != 5 or (clip.shape[0], *clip.shape[2:]) != expected:
            raise ModelError(
                f"SVFormer: expects a clip [{c.steps}, B, {c.in_channels}, {c.size}, {c.size}], "
                f"got {list(clip.shape)}; read the video with the model's recipe"
            )


def _statistics_for(model: nn.Module, v_threshold: float) -> None:
    """Running variances before any training, such that ``_on_spikes`` drives that threshold."""
    for norm in model.modules():
        if isinstance(norm, PerStepBatchNorm) and norm.running_var is not None:
            norm.running_var.fill_(v_threshold**-2)


def build(**config: object) -> SVFormer:
    """``SVFormerConfig`` fields override the published architecture."""
    return SVFormer(SVFormerConfig(**config))  # type: ignore[arg-type]


SOURCE = "github.com/yult0821/SVFormer"

CARD = ModelCard(
    name="svformer",
    title="SVFormer",
    parameters=13_801_612,
    classes=101,
    recipe=Recipe(frames=16, size=(224, 224), stride=4, short_side=256, mean=0.45, std=0.225),
    paper="Yu et al., SVFormer: A Direct Training Spiking Transformer for Efficient Video Action "
    "Recognition, arXiv 2406.15034 (2024)",
    accuracy=(
        Accuracy("UCF101", 80.73, 94.11, 1, 1, f"{SOURCE} test1x1.log"),
        Accuracy("UCF101", 84.03, 95.59, 5, 3, f"{SOURCE} test.log"),
    ),
    published_rates="svformer_ucf101.json",
    note="The paper prints 21 mJ per video without its view count; "
    "no rule applied to the published rates gives it.",
)
