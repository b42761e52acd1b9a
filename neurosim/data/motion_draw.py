"""Draws a clip of the built-in data set from its number, in integers: the same on every machine.

Each frame is drawn from its own state alone: no motion blur, no trace of its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.data.motion_scene import (
    ACTIONS,
    GROUND_UNIT,
    ONE,
    SIDE,
    UNIT,
    Course,
    cosine,
    course,
    sine,
)

VERSION = 3  # changes with the drawing or the encoding
_SPRITE = 32  # texels across
# longer than wide: none is its own quarter turn, and how one lies tells how far it has turned
_SHAPES: tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], ...] = (
    lambda x, y: (abs(x) < 29) & (abs(y) < 9),
    lambda x, y: (abs(x) < 27) & (abs(y) < 13),
    lambda x, y: 13**2 * x * x + 29**2 * y * y < (13 * 29) ** 2,
    lambda x, y: (abs(x) < 29) & (4 * abs(y) < 20 + abs(x)),
    lambda x, y: (x * x + y * y < 30**2) & (abs(y) < abs(x)),
    lambda x, y: 14 * abs(x) + 30 * abs(y) < 14 * 30,
)


@dataclass(frozen=True, eq=False)
class Look:
    """What stays the same through a clip."""

    ground: np.ndarray  # (GROUND_UNIT · SIDE, GROUND_UNIT · SIDE, 3) 0 … 255, a torus
    sprite: np.ndarray  # (32, 32, 4) colour and coverage, 0 … 255


def label_of(index: int) -> int:
    """The label of clip ``index``: every ten clips in a row show every action once."""
    return index % len(ACTIONS)


def draw_clip(seed: int, index: int) -> np.ndarray:
    """(16, 64, 64, 3) uint8: clip ``index`` of the set that ``seed`` names."""
    return draw_extended(seed, index)[1:]


def draw_extended(seed: int, index: int) -> np.ndarray:
    """(17, 64, 64, 3) uint8: the clip behind the frame before it."""
    rng = np.random.default_rng([VERSION, seed, index])
    return draw(course(rng, label_of(index)), look(rng))


def draw(path: Course, seen: Look) -> np.ndarray:
    """(17, 64, 64, 3) uint8: ground, object over it, brightness."""
    frames = _ground(path, seen.ground)
    frame, y, x, u, v = _covered(path)
    texels = _sample(seen.sprite, u, v)
    colour, cover = texels[:, :3], texels[:, 3:]
    frames[frame, y, x] += (colour - frames[frame, y, x]) * cover // 255
    return np.clip(frames * path.gain[:, None, None, None] // 256, 0, 255).astype(np.uint8)


def _ground(path: Course, ground: np.ndarray) -> np.ndarray:
    steps = GROUND_UNIT * np.arange(SIDE)
    rows = (path.ground_y[:, None] + steps) % len(ground)
    columns = (path.ground_x[:, None] + steps) % len(ground)
    return ground[rows[:, :, None], columns[:, None, :]]


def _covered(path: Course) -> tuple[np.ndarray, ...]:
    """Frame, row and column of the pixels within the radius, and where each falls on the sprite.

    (u, v) = 16 · R(−angle) d / radius, in 1/256 texel from the sprite's middle; d is the shortest
    way on the torus from the object's centre to the pixel, R turns clockwise.
    """
    half, pixels = SIDE * UNIT // 2, UNIT * np.arange(SIDE)
    across = (pixels - path.x[:, None] + half) % (2 * half) - half  # (17, 64)
    down = (pixels - path.y[:, None] + half) % (2 * half) - half
    square = across[:, None, :] ** 2 + down[:, :, None] ** 2
    frame, y, x = np.nonzero(square < path.radius[:, None, None] ** 2)
    dx, dy, angle = across[frame, x], down[frame, y], path.angle[frame]
    cos, sin, radius = cosine(angle), sine(angle), path.radius[frame] * (ONE // (128 * _SPRITE))
    return frame, y, x, (cos * dx + sin * dy) // radius, (cos * dy - sin * dx) // radius


def _sample(sprite: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(pixels, 4): bilinear, with 1/256 texel."""
    middle = 128 * (_SPRITE - 1)
    u, v = (np.clip(w + middle, 0, 256 * (_SPRITE - 1) - 1) for w in (u, v))
    i, j, fv, fu = v // 256, u // 256, (v % 256)[:, None], (u % 256)[:, None]
    upper = sprite[i, j] * (256 - fu) + sprite[i, j + 1] * fu
    lower = sprite[i + 1, j] * (256 - fu) + sprite[i + 1, j + 1] * fu
    return (upper * (256 - fv) + lower * fv) // 256**2


def look(rng: np.random.Generator) -> Look:
    """A random ground, and an object of random shape, texture and colours."""
    return Look(_draw_ground(rng), _draw_sprite(rng))


def _draw_ground(rng: np.random.Generator) -> np.ndarray:
    """A dark colour, uneven in two sizes."""
    colour, cells = rng.integers(30, 75, size=3), int(rng.integers(3, 9))
    strength = rng.integers(5, 25)
    coarse = _smooth(rng.integers(-strength, strength, size=(cells, cells, 3)), SIDE * GROUND_UNIT)
    fine = rng.integers(-strength, strength, size=(3 * cells, 3 * cells, 1))
    return colour + coarse + _smooth(fine, SIDE * GROUND_UNIT) // 2


def _draw_sprite(rng: np.random.Generator) -> np.ndarray:
    """A random shape, in stripes along it or patches, of two colours brighter than any ground."""
    y, x = np.mgrid[1 - _SPRITE : _SPRITE : 2, 1 - _SPRITE : _SPRITE : 2]
    cover = 255 * _SHAPES[rng.integers(len(_SHAPES))](x, y)
    dark, bright = rng.integers([[110] * 3, [200] * 3], [[140] * 3, [256] * 3])
    rows = int(rng.integers(1, 5))
    columns = int(rng.integers(1 if rows > 1 else 2, 5))
    patches = rng.integers(256, size=(rows, columns, 1))
    patches = (patches - patches.min()) * 255 // max(int(np.ptp(patches)), 1)
    if rng.integers(2):
        patches = 255 * (np.arange(8 + 4 * (rows // 2)) // 2 % 2).reshape(-1, 1, 1)
    shade = _smooth(patches, _SPRITE)
    return np.concatenate([dark + (bright - dark) * shade // 255, cover[..., None]], axis=-1)


def _smooth(lattice: np.ndarray, side: int) -> np.ndarray:
    """(side, side, C): the lattice's values, blended linearly between, around a torus."""
    for axis in (0, 1):
        count = lattice.shape[axis]
        place = np.arange(side) * count
        after = (place % side).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        here = np.take(lattice, place // side, axis)
        following = np.take(lattice, (place // side + 1) % count, axis)
        lattice = (here * (side - after) + following * after) // side
    return lattice
