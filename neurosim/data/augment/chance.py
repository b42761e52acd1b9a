"""Random numbers and boxes; all from the torch generator that is handed in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
import torch

_ERASED = (0.02, 1 / 3)  # of the area
_ERASED_RATIO = (0.3, 1 / 0.3)  # height over width
_CROP_TRIES, _ERASE_TRIES = 10, 100


def numpy_generator(generator: torch.Generator) -> np.random.Generator:
    """NumPy's generator, seeded by the next 63 bits of torch's.

    torch draws neither a Beta nor a normal per parameter without its global state or a private op.
    """
    seed = torch.randint(2**63 - 1, (), generator=generator, device=generator.device)
    return np.random.default_rng(int(seed))


@dataclass(frozen=True)
class Box:
    """Rows top … bottom − 1 and columns left … right − 1."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)

    @property
    def pixels(self) -> tuple[EllipsisType, slice, slice]:
        """An index into (…, H, W)."""
        return ..., slice(self.top, self.bottom), slice(self.left, self.right)


def place_box(rng: np.random.Generator, inner: tuple[int, int], outer: tuple[int, int]) -> Box:
    """A box of ``inner`` (height, width), anywhere in ``outer``."""
    top, left = (int(rng.integers(b - a + 1)) for a, b in zip(inner, outer, strict=True))
    return Box(top, top + inner[0], left, left + inner[1])


def crop_box(
    rng: np.random.Generator,
    size: tuple[int, int],
    area: tuple[float, float],
    ratio: tuple[float, float],
) -> Box:
    """A box whose part of the area is uniform, and log(width/height) too, within (H, W).

    Where ten draws do not fit: the largest box in the middle that keeps within ``ratio``.
    """
    for _ in range(_CROP_TRIES):
        pixels, aspect = _draw_shape(rng, size, area, ratio)
        height, width = round(math.sqrt(pixels / aspect)), round(math.sqrt(pixels * aspect))
        if 0 < height <= size[0] and 0 < width <= size[1]:
            return place_box(rng, (height, width), size)
    return _middle_box(size, ratio)


def erase_box(rng: np.random.Generator, size: tuple[int, int]) -> Box | None:
    """A box of 2 … 33 % of (H, W), smaller than it on both sides; None: none of 100 draws fits."""
    for _ in range(_ERASE_TRIES):
        pixels, aspect = _draw_shape(rng, size, _ERASED, _ERASED_RATIO)
        height, width = round(math.sqrt(pixels * aspect)), round(math.sqrt(pixels / aspect))
        if 0 < height < size[0] and 0 < width < size[1]:
            return place_box(rng, (height, width), size)
    return None


def _draw_shape(
    rng: np.random.Generator,
    size: tuple[int, int],
    area: tuple[float, float],
    ratio: tuple[float, float],
) -> tuple[float, float]:
    """Pixels, uniform; and ratio, uniform in its logarithm."""
    pixels = rng.uniform(*area) * size[0] * size[1]
    return pixels, math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))


def _middle_box(size: tuple[int, int], ratio: tuple[float, float]) -> Box:
    height, width = size
    width = max(min(width, round(height * ratio[1])), 1)
    height = max(min(height, round(width / ratio[0])), 1)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return Box(top, top + height, left, left + width)
