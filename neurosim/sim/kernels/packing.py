"""Weights in the order in which the kernels read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.errors import SimulationError

WIDTHS = (64, 32, 16)
FEW_INPUTS = 32  # up to so many, sums of four channels at a time are looked up (see lookup)
LINE = 64  # bytes of a cache line


@dataclass(frozen=True, eq=False)
class PackedWeights:
    """``rows`` holds, per (group, tile), a block [taps, C_in / groups, width]; zeros fill the last
    tile.

    ``tiles``  # (groups, tiles, 4) int64: offset in ``rows``, width, first output channel, channels
    that exist
    """

    rows: np.ndarray  # (weights,) float32 or int8
    tiles: np.ndarray
    plain: (
        np.ndarray
    )  # (groups, C_out / groups, C_in / groups, kz, ky, kx); flipped where transposed
    rank: int
    transposed: bool

    @property
    def integer(self) -> bool:
        """int8 weights, summed in integers."""
        return self.rows.dtype == np.int8

    @property
    def groups(self) -> int:
        """Channel groups."""
        return self.plain.shape[0]

    @property
    def inputs(self) -> int:
        """Input channels per group."""
        return self.plain.shape[2]

    @property
    def outputs(self) -> int:
        """Output channels of all groups."""
        return self.plain.shape[0] * self.plain.shape[1]

    @property
    def kernel(self) -> tuple[int, int, int]:
        """Kernel sizes (z, y, x); 1 where the convolution has fewer axes."""
        kz, ky, kx = self.plain.shape[3:]
        return kz, ky, kx

    @cached_property
    def fours(self) -> np.ndarray:
        """Of one group and tap: (C_out / 16, C_in / 4, 16, 16) float32, flat, both channels padded
        to sixteens; entry p of four input channels is the sum of the rows whose bit is set in p,
        the lowest first."""
        rows = self.plain[0, :, :, 0, 0, 0].T
        inputs, outputs = 4 * -(-rows.shape[0] // 16), -(-rows.shape[1] // 16)
        padded = np.zeros((4 * inputs, 16 * outputs), np.float32)
        padded[: rows.shape[0], : rows.shape[1]] = rows
        split = padded.reshape(inputs, 4, outputs, 16).transpose(2, 0, 1, 3)
        table = _aligned_zeros(outputs * inputs * 256, padded.dtype)
        sums = table.reshape(outputs, inputs, 16, 16)
        for k in range(4):
            sums[:, :, 1 << k : 2 << k] = sums[:, :, : 1 << k] + split[:, :, k, None]
        return table


def tile_widths(channels: int) -> list[int]:
    """64s, then narrower tiles for what is left; 16 is the narrowest: 80 → [64, 16], 40 → [32,
    16].
    """
    full, left = divmod(channels, WIDTHS[0])
    widths = [WIDTHS[0]] * full
    for width in WIDTHS[1:]:
        if left >= width:
            widths.append(width)
            left -= width
    if left:
        widths.append(WIDTHS[-1])
    return widths


def pack_weights(weight: np.ndarray, groups: int = 1, transposed: bool = False) -> PackedWeights:
    """Pack (C_out, C_in / groups, *kernel), or (C_in, C_out / groups, *kernel) where transposed;
    kernel of rank 0–3. int8 weights stay so, all others become float32.

    Raises SimulationError: rank or groups that do not fit.
    """
    rank = weight.ndim - 2
    if not 0 <= rank <= 3 or groups < 1 or weight.shape[0] % groups:
        raise SimulationError(
            f"kernels.pack_weights: weight of shape {weight.shape} in {groups} groups; "
            "expects (C_out, C_in / groups, *kernel) with up to 3 kernel axes"
        )
    kept = np.int8 if weight.dtype == np.int8 else np.float32
    plain = _by_group(np.asarray(weight, kept), groups, transposed, rank)
    return PackedWeights(*_tiled(plain), plain, rank, transposed)


def _by_group(weight: np.ndarray, groups: int, transposed: bool, rank: int) -> np.ndarray:
    """(groups, C_out / groups, C_in / groups, kz, ky, kx)."""
    split = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], *weight.shape[2:])
    if transposed:
        split = np.flip(split.swapaxes(1, 2), tuple(range(3, 3 + rank)))
    return np.ascontiguousarray(
        split.reshape(*split.shape[:3], *(1,) * (3 - rank), *weight.shape[2:])
    )


def _tiled(plain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    groups, outputs, inputs = plain.shape[:3]
    columns = plain.reshape(groups, outputs, inputs, -1).transpose(0, 3, 2, 1)
    widths = np.array(tile_widths(outputs))
    height = columns.shape[1] * inputs
    begins, firsts = (np.cumsum([0, *widths[:-1] * unit]) for unit in (height, 1))
    rows = _aligned_zeros(groups * height * int(widths.sum()), plain.dtype)
    split = rows.reshape(groups, -1)
    for begin, first, width in zip(begins, firsts, widths, strict=True):
        block = split[:, begin : begin + height * width].reshape(groups, -1, inputs, width)
        block[..., : outputs - first] = columns[..., first : first + width]
    group = np.arange(groups)[:, None]
    each = np.minimum(widths, outputs - firsts)
    offsets = group * split.shape[1] + begins
    tiles = (offsets, widths, group * outputs + firsts, each)
    return rows, np.stack(np.broadcast_arrays(*tiles), -1).astype(np.int64)


def _aligned_zeros(size: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Zeros that begin on a cache line: a row that straddles two costs twice the loads (measured
    1.5×).
    """
    line = LINE // dtype.itemsize
    room = np.zeros(size + line, dtype)
    first = -room.ctypes.data // room.itemsize % line
    return room[first : first + size]


def padded_bias(bias: np.ndarray | None, outputs: int, dtype: Any = np.float32) -> np.ndarray:
    """The bias (zeros for None) with room for the widest tile behind it."""
    padded = np.zeros(outputs + WIDTHS[0], dtype)
    if bias is not None:
        padded[:outputs] = bias
    return padded
