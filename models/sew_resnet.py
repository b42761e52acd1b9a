"""SEW-ResNet (Fang et al., NeurIPS 2021): a residual network of spike-element-wise additions.

A block adds the spikes of its branch to the spikes of its shortcut (ADD), so that the residual
stream holds integers 0, 1, 2, … from the second block of a stage on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from neurosim.errors import ModelError
from neurosim.models._blocks import NormedConv, check_clip, halve, speak
from neurosim.nn.lif import IF


@dataclass(frozen=True)
class SEWResNetConfig:
    """``layers``: blocks of the four stages; ``width``: channels of the first one."""

    block: Literal["basic", "bottleneck"] = "basic"
    layers: tuple[int, int, int, int] = (3, 4, 6, 3)
    width: int = 64
    in_channels: int = 3
    classes: int = 1000


class BasicBlock(nn.Module):
    """(3×3 convolution → batch norm → IF) twice, added to the shortcut."""

    expansion = 1

    def __init__(self, c_in: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.sn1 = NormedConv(c_in, planes, 3, stride), IF()
        self.conv2, self.sn2 = NormedConv(planes, planes, 3), IF()
        self.downsample = _shortcut(c_in, planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → [T, B, planes, H/stride, W/stride]."""
        return self.sn2(self.conv2(self.sn1(self.conv1(x)))) + self.downsample(x)


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions, each with batch norm and IF, added to the shortcut."""

    expansion = 4

    def __init__(self, c_in: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.sn1 = NormedConv(c_in, planes), IF()
        self.conv2, self.sn2 = NormedConv(planes, planes, 3, stride), IF()
        self.conv3, self.sn3 = NormedConv(planes, 4 * planes), IF()
        self.downsample = _shortcut(c_in, 4 * planes, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, C, H, W] → [T, B, 4·planes, H/stride, W/stride]."""
        y = self.sn2(self.conv2(self.sn1(self.conv1(x))))
        return self.sn3(self.conv3(y)) + self.downsample(x)


def _shortcut(c_in: int, c_out: int, stride: int) -> nn.Module:
    """The identity where it fits, else 1×1 convolution → batch norm → IF."""
    if stride == 1 and c_in == c_out:
        return nn.Identity()
    return nn.Sequential(NormedConv(c_in, c_out, 1, stride), IF())


BLOCKS = {"basic": BasicBlock, "bottleneck": Bottleneck}


class SEWResNet(nn.Module):
    """Clip [T, B, C, H, W] → logits [B, classes]: the mean over the steps."""

    def __init__(self, config: SEWResNetConfig = SEWResNetConfig()) -> None:
        super().__init__()
        if config.block not in BLOCKS:
            raise ModelError(f"SEW-ResNet: block is {config.block!r}; give {' or '.join(BLOCKS)}")
        c, kind = config, BLOCKS[config.block]
        self.config = c
        self.conv1, self.sn1 = NormedConv(c.in_channels, c.width, 7, 2), IF()
        planes = [c.width * 2**i for i in range(4)]
        widths = [c.width, *(p * kind.expansion for p in planes)]
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(kind, widths[i], planes[i], c.layers[i], stride=1 if i == 0 else 2)
            for i in range(4)
        )
        self.fc = nn.Linear(widths[-1], c.classes)
        speak(self, stem="conv1.conv")

    def forward(self, clip: Tensor) -> Tensor:
        """Frames [T, B, C, H, W] → logits [B, classes]."""
        check_clip("SEW-ResNet", clip, self.config.in_channels)
        x = halve(self.sn1(self.conv1(clip)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.flatten(3).mean(3)).mean(0)


def _stage(
    kind: type[BasicBlock] | type[Bottleneck], c_in: int, planes: int, blocks: int, stride: int
) -> nn.Sequential:
    rest = (kind(kind.expansion * planes, planes, 1) for _ in range(blocks - 1))
    return nn.Sequential(kind(c_in, planes, stride), *rest)


def build(**config: object) -> SEWResNet:
    """``SEWResNetConfig`` fields override SEW-ResNet-34."""
    return SEWResNet(SEWResNetConfig(**config))  # type: ignore[arg-type]
