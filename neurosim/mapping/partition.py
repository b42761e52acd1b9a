"""A population cut into parts of at most so many compartments: by channel and tile, or in order."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

MOST_CHOICES = 12  # ways to split the channels that are tried


@lru_cache(maxsize=4096)
def parts_of(shape: tuple[int, ...], most: int, channels_most: int = 2**30) -> np.ndarray:
    """int32 (elements,): the part of each element, numbered from 0 along the tiles; at most so many
    elements and channels in a part.

    Channels (the first axis of (C, *spatial), the last of (rows, features)) stay together while
    they fit, over near-square tiles of positions: neighbours share their sources, so each source
    sends to few parts. Fewest parts win, then most channels together.
    """
    size = math.prod(shape)
    if len(shape) < 2:
        return in_runs(size, max(1, -(-size // min(most, channels_most))))
    axis = 0 if len(shape) > 2 else len(shape) - 1
    channels, space = shape[axis], shape[:axis] + shape[axis + 1 :]
    choices = _choices(channels, space, most, channels_most)
    best = min(choices, key=lambda c: (_number(channels, space, c), -c[0]))
    numbers = _tiled(channels, space, best)
    return np.ascontiguousarray(np.moveaxis(numbers, 0, axis)).ravel()


def in_runs(size: int, parts: int) -> np.ndarray:
    """Runs of equal length, the last the shortest: none holds more than ⌈size / parts⌉."""
    return (np.arange(size) // max(1, -(-size // parts))).astype(np.int32)


def in_order(size: int, parts: int) -> np.ndarray:
    """Near-equal runs of elements, the last the longest: size // parts each, and what is left."""
    each = size // parts
    return np.minimum(np.arange(size) // max(1, each), parts - 1).astype(np.int32)


Choice = tuple[int, tuple[int, ...]]  # channels together, sides of a tile


def _choices(channels: int, space: tuple[int, ...], most: int, channels_most: int) -> list[Choice]:
    found: list[Choice] = []
    for pieces in range(1, channels + 1):
        together = -(-channels // pieces)
        if together <= min(most, channels_most):
            found.append((together, _tile(space, most // together)))
        if len(found) == MOST_CHOICES:
            break
    return found


def _tile(space: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Sides of near-square tiles of at most ``most`` positions, equal over the whole plane."""
    sides: list[int] = []
    left = most
    for i, size in enumerate(space):
        rest = len(space) - i
        side = min(size, max(1, round(left ** (1 / rest))))
        while side > 1 and side > left:
            side -= 1
        side = min(side, left)
        side = -(-size // -(-size // side))
        sides.append(side)
        left = max(1, left // side)
    return tuple(sides)


def _number(channels: int, space: tuple[int, ...], choice: Choice) -> int:
    together, sides = choice
    tiles = math.prod(-(-n // s) for n, s in zip(space, sides, strict=True))
    return -(-channels // together) * tiles


def _tiled(channels: int, space: tuple[int, ...], choice: Choice) -> np.ndarray:
    """(channels, *space): tile by tile in rows, the channel pieces of a tile side by side."""
    together, sides = choice
    numbers = np.zeros((1,) * len(space), np.int64)
    for axis, (size, side) in enumerate(zip(space, sides, strict=True)):
        shape = [1] * len(space)
        shape[axis] = size
        numbers = numbers * -(-size // side) + (np.arange(size) // side).reshape(shape)
    pieces = -(-channels // together)
    piece = (np.arange(channels) // together).reshape(channels, *[1] * len(space))
    return (numbers[None] * pieces + piece).astype(np.int32)
