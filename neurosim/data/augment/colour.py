"""Operations on single pictures, by Pillow, whose arithmetic published recipes were trained with.

Fill: gray 128. Resampling: bicubic, as the video recipes set it. Contrast, auto contrast and
equalize measure each frame on its own, as those recipes do; their argument is the clip's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from neurosim.data.augment.policy import Step

_FILL = (128, 128, 128)
_DARK = 128  # levels below it are the dark half


def apply(frames: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
    """(T, H, W, 3) uint8 after every step in turn, each frame alike."""
    return np.stack([_apply(frame, steps) for frame in frames]) if steps else frames


def jitter(strength: float, rng: np.random.Generator) -> tuple[Step, ...]:
    """Brightness, contrast and saturation by 1 − strength … 1 + strength, in a random order."""
    factors = rng.uniform(1 - strength, 1 + strength, size=3)
    steps = [Step(*pair) for pair in zip(("brightness", "contrast", "color"), factors, strict=True)]
    return tuple(steps[i] for i in rng.permutation(3))


def _apply(frame: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
    picture = Image.fromarray(frame)
    for step in steps:
        picture = _OPERATIONS[step.name](picture, step.argument)
    return np.asarray(picture)


def _affine(picture: Image.Image, *rows: float) -> Image.Image:
    """The pixel at (x, y) is the source's at (a x + b y + c, d x + e y + f)."""
    return picture.transform(
        picture.size,
        Image.Transform.AFFINE,
        rows,
        resample=Image.Resampling.BICUBIC,
        fillcolor=_FILL,
    )


def _rotate(picture: Image.Image, degrees: float) -> Image.Image:
    return picture.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor=_FILL)


def _posterize(picture: Image.Image, bits: float) -> Image.Image:
    """The ``bits`` highest bits; 0, which Pillow's own refuses, leaves black."""
    step = 2 ** (8 - int(bits))
    return picture.point([i // step * step for i in range(256)] * 3)


def _solarize_add(picture: Image.Image, levels: float) -> Image.Image:
    table = [min(255, i + int(levels)) if i < _DARK else i for i in range(256)]
    return picture.point(table * 3)


_OPERATIONS: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "auto contrast": lambda p, _: ImageOps.autocontrast(p),
    "equalize": lambda p, _: ImageOps.equalize(p),
    "invert": lambda p, _: ImageOps.invert(p),
    "rotate": _rotate,
    "posterize": _posterize,
    "solarize": lambda p, level: ImageOps.solarize(p, int(level)),
    "solarize add": _solarize_add,
    "color": lambda p, factor: ImageEnhance.Color(p).enhance(factor),
    "contrast": lambda p, factor: ImageEnhance.Contrast(p).enhance(factor),
    "brightness": lambda p, factor: ImageEnhance.Brightness(p).enhance(factor),
    "sharpness": lambda p, factor: ImageEnhance.Sharpness(p).enhance(factor),
    "shear x": lambda p, factor: _affine(p, 1, factor, 0, 0, 1, 0),
    "shear y": lambda p, factor: _affine(p, 1, 0, 0, factor, 1, 0),
    "translate x": lambda p, part: _affine(p, 1, 0, part * p.size[0], 0, 1, 0),
    "translate y": lambda p, part: _affine(p, 1, 0, 0, 0, 1, part * p.size[1]),
}
