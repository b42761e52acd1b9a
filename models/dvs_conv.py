"""A plain spiking convolutional network on event frames: PLIF neurons, batch norm, mean output."""

from __future__ import annotations

from torch import Tensor, nn

from neurosim.data.recipe import Recipe
from neurosim.errors import ModelError
from neurosim.models._card import ModelCard
from neurosim.nn.plif import PLIF


class DVSConv(nn.Module):
    """Event frames [T, B, 2, H, W] → logits [B, classes].

    Three times (3×3 convolution → batch norm → PLIF → max-pool), linear → PLIF → linear.
    """

    def __init__(
        self, classes: int = 11, channels: tuple[int, int, int] = (16, 32, 64), size: int = 64
    ) -> None:
        super().__init__()
        self.size = size
        c1, c2, c3 = channels
        self.conv1, self.norm1, self.lif1 = *_convolution(2, c1), PLIF()
        self.conv2, self.norm2, self.lif2 = *_convolution(c1, c2), PLIF()
        self.conv3, self.norm3, self.lif3 = *_convolution(c2, c3), PLIF()
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.lif4 = nn.Linear(c3 * (size // 8) ** 2, 128), PLIF()
        self.fc2 = nn.Linear(128, classes)
        self.apply(_scale_weights)

    def forward(self, clip: Tensor) -> Tensor:
        """[T, B, 2, H, W] → mean over the steps of the last layer's output."""
        self._check_clip(clip)
        x = self._stage(clip, self.conv1, self.norm1, self.lif1)
        x = self._stage(x, self.conv2, self.norm2, self.lif2)
        x = self._stage(x, self.conv3, self.norm3, self.lif3)
        x = self.lif4(self.fc1(x.flatten(2)))
        return self.fc2(x).mean(0)

    def _stage(self, x: Tensor, conv: nn.Module, norm: nn.Module, lif: PLIF) -> Tensor:
        currents = norm(conv(x.flatten(0, 1))).unflatten(0, x.shape[:2])
        return self.pool(lif(currents).flatten(0, 1)).unflatten(0, x.shape[:2])

    def _check_clip(self, clip: Tensor) -> None:
        if clip.dim() != 5 or tuple(clip.shape[2:]) != (2, self.size, self.size):
            raise ModelError(
                f"dvs_conv: expects event frames [T, B, 2, {self.size}, {self.size}], "
                f"got {list(clip.shape)}; bin the events with the model's recipe"
            )


def _convolution(c_in: int, c_out: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    return nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out)


def _scale_weights(module: nn.Module) -> None:
    """Standard deviation 2/√(fan-in · 0.1): sparse events reach threshold before any training."""
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.normal_(module.weight, std=2.0 / (module.weight[0].numel() * 0.1) ** 0.5)


def build(**config: object) -> DVSConv:
    """``config``: classes, channels, size."""
    return DVSConv(**config)  # type: ignore[arg-type]


CARD = ModelCard(
    name="dvs_conv",
    title="Spiking convolutional network for event cameras",
    parameters=549_391,
    classes=11,
    recipe=Recipe(frames=20, size=(64, 64), channels="events", bin_ms=25.0, binary=True),
    note="A model to start from (eleven classes as in DVS128 Gesture); not a published model.",
)
