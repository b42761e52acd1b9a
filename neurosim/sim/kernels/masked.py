"""Convolution of single channels from spike bits: a tap adds its weights where bits are set.

An event of a depthwise layer has few additions to its name, so finding it costs more than making
them; here nothing is looked for: 64 channels share a mask, and no spike is read as a number.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numba
import numpy as np

from neurosim.ops._vectors import masked_sum_16, masked_sum_64
from neurosim.sim.kernels.events import BitFrames
from neurosim.sim.kernels.geometry import Axis, Tables, tables
from neurosim.sim.kernels.packing import PackedWeights, padded_bias
from neurosim.sim.kernels.threads import run_tasks

LANES = 16


class Layer(NamedTuple):
    """``bits``: int16 (N, positions · C / 16); ``rows``: a row of C weights for each tap, flat;
    sums become scale · sum + bias."""

    bits: np.ndarray
    rows: np.ndarray
    bias: np.ndarray
    scale: np.float32
    lines: np.ndarray
    line_count: np.ndarray
    runs: np.ndarray
    run_count: np.ndarray
    in_columns: int
    channels: int
    taps: int


def masks(packed: PackedWeights, channels: int) -> bool:
    """Whether the kernel takes such weights: one output a channel, whole vectors."""
    return packed.inputs == 1 and packed.outputs == packed.groups and channels % LANES == 0


def masked(
    source: BitFrames,
    packed: PackedWeights,
    bias: np.ndarray | None,
    axes: list[Axis],
    scale: float,
) -> np.ndarray:
    """float32 (N, C, Z', Y', X'), channels innermost in memory; weights float32 or int8, the sums
    of both in float32, where those of int8 are exact."""
    z, y, x = axes
    table: Tables = tables(z, y, x)
    channels, taps = source.shape[1], z.kernel * y.kernel * x.kernel
    rows = packed.plain.reshape(channels, taps).T.astype(np.float32, order="C")
    offsets = padded_bias(bias, channels)
    out = np.empty((source.shape[0], z.out, y.out, x.out, channels), np.float32)
    layer = Layer(
        *(source.words.view(np.int16), rows.reshape(-1), offsets, np.float32(scale)),
        *(table.lines, table.line_count, table.runs, table.run_count),
        *(x.size, channels, taps),
    )
    kernel = partial(_masked_lines, layer, out.reshape(-1))
    run_tasks(kernel, source.shape[0] * z.out * y.out, out.size * taps // 8)
    return out.transpose(0, 4, 1, 2, 3)


@numba.njit(nogil=True, cache=True)
def _masked_lines(layer, out, begin, end):
    """Output lines begin..end, numbered (sample, line)."""
    lines, columns, channels = layer.line_count.size, layer.run_count.size, layer.channels
    place, row = np.empty(layer.taps, np.int64), np.empty(layer.taps, np.int64)
    for task in range(begin, end):
        bits, line = layer.bits[task // lines], task % lines
        for column in range(columns):
            count = _taps(layer, line, column, place, row)
            at, channel = (task * columns + column) * channels, 0
            if channels % 64 == 0:
                while channel < channels:
                    masked_sum_64(out, at + channel, layer.rows, bits, place, row, count, channel,
                                  layer.bias, layer.scale)  # fmt: skip
                    channel += 64
            while channel < channels:
                masked_sum_16(out, at + channel, layer.rows, bits, place, row, count, channel,
                              layer.bias, layer.scale)  # fmt: skip
                channel += 16


@numba.njit(nogil=True, forceinline=True)
def _taps(layer, line, column, place, row):
    """Where the bits of each tap begin, in sixteens, and its weights; how many see the input."""
    count, channels = 0, layer.channels
    for j in range(layer.line_count[line]):
        first = layer.lines[line, j, 0] * layer.in_columns
        for r in range(layer.run_count[column]):
            shift = layer.lines[line, j, 1] + layer.runs[column, r, 2]
            for i in range(layer.runs[column, r, 0], layer.runs[column, r, 1]):
                place[count] = (first + i) * channels // 16
                row[count] = (shift + i) * channels
                count += 1
    return count
