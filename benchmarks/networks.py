"""Networks that several benchmarks run."""

from __future__ import annotations

from typing import Any

import torch
from norse.torch import LIFBoxCell, LIFBoxParameters
from torch import Tensor, nn

from neurosim.nn.plif import PLIF


class Stepped(nn.Module):
    """Event frames [T, B, 2, H, W] → scores at every step; norse cells in a Python loop."""

    def __init__(self, size: int, channels: tuple[int, int] = (16, 32)) -> None:
        super().__init__()
        torch.manual_seed(0)
        a, b = channels
        box = LIFBoxParameters(tau_mem_inv=torch.tensor(500.0))
        self.conv1, self.lif1 = nn.Conv2d(2, a, 3, padding=1), LIFBoxCell(box)
        self.conv2, self.lif2 = nn.Conv2d(a, b, 3, 2, 1), LIFBoxCell(box)
        self.conv3, self.lif3 = nn.Conv2d(b, b, 3, 2, 1), LIFBoxCell(box)
        self.head = nn.Linear(b * (size // 4) ** 2, 10)
        for layer in (self.conv1, self.conv2, self.conv3):
            nn.init.normal_(layer.weight, std=3.0 / (layer.weight[0].numel() * 0.1) ** 0.5)

    def forward(self, clip: Tensor) -> Tensor:
        """[T, B, 10]."""
        out, s1, s2, s3 = [], *(None,) * 3
        for frame in clip:
            z, s1 = self.lif1(self.conv1(frame), s1)
            z, s2 = self.lif2(self.conv2(z), s2)
            z, s3 = self.lif3(self.conv3(z), s3)
            out.append(self.head(z.flatten(1)))
        return torch.stack(out)


class Folded(nn.Module):
    """The same with time folded into the batch, as multi-step code has it."""

    def __init__(self, size: int, channels: tuple[int, int] = (16, 32)) -> None:
        super().__init__()
        torch.manual_seed(0)
        a, b = channels
        self.conv = nn.ModuleList(
            [nn.Conv2d(2, a, 3, padding=1), nn.Conv2d(a, b, 3, 2, 1), nn.Conv2d(b, b, 3, 2, 1)]
        )
        self.lif = nn.ModuleList(PLIF() for _ in range(3))
        self.head = nn.Linear(b * (size // 4) ** 2, 10)
        for layer in self.conv:
            nn.init.normal_(layer.weight, std=3.0 / (layer.weight[0].numel() * 0.1) ** 0.5)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, 10]."""
        for conv, lif in zip(self.conv, self.lif, strict=True):
            x = lif(conv(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
        return self.head(x.flatten(2))


def events(steps: int, batch: int, size: int, density: float = 0.05, seed: int = 0) -> Tensor:
    """Binary event frames [T, B, 2, H, W]."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, batch, 2, size, size, generator=generator) < density).float()


def build(name: str, size: int) -> nn.Module:
    """By name."""
    kinds: dict[str, Any] = {"stepped": Stepped, "folded": Folded}
    return kinds[name](size).eval()
