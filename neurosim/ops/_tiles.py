"""A scale and a bias laid out for loops over memory: written side by side, or one entry a run."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from neurosim.ir.neuron import AFFINE
from neurosim.ops._neuron_arrays import affine_rows
from neurosim.ops._neuron_scan import Arrays

TILE = 512  # least length over which a repeated affine is written out
MOST_TILE = 2**14  # numbers that stay in the first-level cache's reach
RUN = 48  # shorter runs of one channel are written out
MOST_WRITTEN = 2**22  # numbers of an affine that is written out for every element
IDENTITY = (1.0, -0.0)  # x · 1 + (−0) is x, signed zeros included


class Tiles(NamedTuple):
    """Scale and bias (1 or T, P): side by side for ``unit`` elements where ``tiled``, else element
    m of a slice has entry m // unit mod P."""

    scale: np.ndarray
    bias: np.ndarray
    unit: int
    tiled: bool

    def lasts(self, steps: int) -> bool:
        """Whether there are rows for so many steps."""
        return len(self.scale) == 1 or len(self.scale) >= steps

    def steps(self, first: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows for the steps at hand."""
        if len(self.scale) == 1:
            return self.scale, self.bias
        return self.scale[first : first + steps], self.bias[first : first + steps]


def tiles(
    arrays: Arrays, shape: tuple[int, ...], inner: list[int], *, runs: bool, unit: int = 0
) -> Tiles | None:
    """Of ``affine_scale`` and ``affine_bias``, either of which may be missing; ``runs``: one entry
    a run will do; ``unit``: as many are wanted side by side (0: what suits). ``inner``: the slice's
    axes in memory order. None: too irregular, or too long."""
    found = _aligned(arrays, shape, inner)
    if found is None:
        return None
    (scale, bias, repeat), size = found, math.prod(shape)
    if runs and repeat >= min(size, RUN):
        return Tiles(scale, bias, repeat, False)
    repeat = 1 if scale.shape[1] == 1 else repeat
    period = scale.shape[1] * repeat
    if unit and unit % period and scale.shape[1] > 1:
        return None
    length = unit or _unit(period, size)
    if length is None or length * len(scale) > MOST_WRITTEN:
        return None
    return Tiles(_written(scale, repeat, length), _written(bias, repeat, length), length, True)


def _aligned(
    arrays: Arrays, shape: tuple[int, ...], inner: list[int]
) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Both as rows of equal length, and how many neighbours share an entry; None where they vary
    along different axes."""
    found = [affine_rows(arrays.get(role), shape, inner) for role in AFFINE]
    given = [(values.shape[1], repeat) for values, repeat in found if values.size > len(values)]
    if len(set(given)) > 1:
        return None
    width, repeat = given[0] if given else (1, math.prod(shape))
    rows = max(1, *(len(values) for values, _ in found))
    scale, bias = (
        np.ascontiguousarray(np.broadcast_to(
            values if values.size else np.full((1, 1), none, np.float32), (rows, width)))
        for (values, _), none in zip(found, IDENTITY, strict=True)
    )  # fmt: skip
    return scale, bias, repeat


def _unit(period: int, size: int) -> int | None:
    """A multiple of the period and of 64, or all elements; None: that would be too long."""
    if period >= size:
        return size
    whole = math.lcm(period, 64)
    unit = whole * -(-TILE // whole)
    return size if unit >= size else unit if unit <= MOST_TILE else None


def _written(values: np.ndarray, repeat: int, unit: int) -> np.ndarray:
    """Rows side by side for ``unit`` elements."""
    each = np.repeat(values, repeat, axis=1)[:, :unit]
    return np.ascontiguousarray(np.tile(each, (1, -(-unit // each.shape[1])))[:, :unit])
