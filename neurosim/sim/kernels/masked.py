"""Convolution of single channels from spike bits: a tap adds its weights where bits are set.

An event of a depthwise layer has few additions to its name, so finding it costs more than making
them; here nothing is looked for: 16 channels share a mask. Seven or eight outputs of a line, of 16
or 32 channels, are summed together (``_strip``) where the kernel and the line allow it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.ops._bit_sums import masked_sum_16
from neurosim.ops._strip import (
    NARROW,
    WIDE,
    narrow_3,
    narrow_5,
    narrow_7,
    pair_narrow_3,
    pair_narrow_5,
    pair_wide_3,
    pair_wide_5,
    wide_3,
    wide_5,
    wide_7,
)
from neurosim.ops._vectors import active_mask_16, fetch
from neurosim.sim.kernels.events import BitFrames, Frames, as_bits
from neurosim.sim.kernels.geometry import Axis, Tables, tables
from neurosim.sim.kernels.packing import PackedWeights, padded_bias
from neurosim.threads import spread
from neurosim.threads._fork import compiled, fork, inlined, roomy_body

LANES = 16
NEAR = 5120  # weights that the first-level cache holds beside the rest
LINE = 64  # bytes of the cache's
PAST_CACHE = 2**21  # bytes of output that no cache will hold until they are read


class Layer(NamedTuple):
    """``bits``: int16 (N, positions · C / 16), or none beside ``numbers``, float32 (N, positions ·
    C); ``rows``: a row of C weights for each tap, flat; sums become scale · sum + bias."""

    bits: np.ndarray
    numbers: np.ndarray
    rows: np.ndarray
    bias: np.ndarray
    scale: np.float32
    lines: np.ndarray
    line_count: np.ndarray
    runs: np.ndarray
    run_count: np.ndarray
    in_lines: int
    in_columns: int
    channels: int
    taps: int
    row_taps: int
    padding: int  # of columns
    deep: bool  # several planes
    pixels: int  # outputs of a line that are summed together
    past: int  # whether outputs go to memory past the caches


def masks(packed: PackedWeights, channels: int) -> bool:
    """Whether the kernel takes such weights: one output a channel, whole vectors."""
    return packed.inputs == 1 and packed.outputs == packed.groups and channels % LANES == 0


def masked(
    source: Frames | BitFrames,
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
    out, past = _room((source.shape[0], z.out, y.out, x.out, channels))
    strips = _in_strips(x)
    layer = Layer(
        *_spikes(source, strips),
        *(rows.reshape(-1), offsets, np.float32(scale)),
        *(table.lines, table.line_count, table.runs, table.run_count),
        *(z.size * y.size, x.size, channels, taps, x.kernel, x.padding, z.size > 1),
        *(_pixels(x.out), int(past)),
    )
    lines = source.shape[0] * z.out * y.out
    loop = _strip_lines_loop if strips else _masked_lines_loop
    spread(loop, lines, out.size * taps // 8, layer, out.reshape(-1))
    return out.transpose(0, 4, 1, 2, 3)


def _room(shape: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """float32 memory, and whether it is to be written past the caches."""
    import torch  # whose memory begins with a line of the cache

    out = torch.empty(shape).numpy()
    return out, out.nbytes >= PAST_CACHE and out.ctypes.data % LINE == 0


def _spikes(source: Frames | BitFrames, strips: bool) -> tuple[np.ndarray, np.ndarray]:
    """As bits and as numbers, one of which is empty; strips pack the numbers of a plane themselves,
    line by line, while memory brings the next."""
    if isinstance(source, Frames) and strips and source.channels_last and source.shape[2] == 1:
        return np.empty((0, 0), np.int16), source.flat.reshape(source.shape[0], -1)
    return as_bits(source).words.view(np.int16), np.empty((0, 0), np.float32)


def _in_strips(x: Axis) -> bool:
    plain = x.stride == 1 and x.dilation == 1 and not x.transposed
    return plain and x.kernel in (3, 5, 7) and x.out >= NARROW


def _pixels(columns: int) -> int:
    """Of a strip: what needs the fewest strips and, of those, overlaps the least."""
    wide = columns >= WIDE and -(-columns // WIDE) < -(-columns // NARROW)
    return WIDE if wide else NARROW


@roomy_body
def _strip_lines(begin, end, layer, out):
    """Output lines begin..end, numbered (sample, line), a strip at a time: the last columns once
    more where they do not fill one. Bits are copied between columns of padding."""
    apart = (layer.run_count.size + layer.row_taps - 1) * layer.channels // 16
    above, row = np.empty((2, layer.lines.shape[1]), np.int64)
    own = np.zeros(layer.in_lines * apart, np.int16)
    _strips(begin, end, layer, out, own, apart, above, row)


@compiled
def _strip_lines_loop(start, threads, tasks, chunk, args):
    return fork(_strip_lines, start, threads, tasks, chunk, args)


@inlined
def _strips(begin, end, layer, out, own, apart, above, row):
    """``own``: room for the bits of a sample, ``apart`` from a line's to the next."""
    lines, columns, channels = layer.line_count.size, layer.run_count.size, layer.channels
    wide = 32 if channels % 32 == 0 and layer.row_taps < 7 else 16
    together = wide if layer.rows.size > NEAR else channels  # whose weights stay near for a line
    parts = (columns + layer.pixels - 1) // layer.pixels * (channels // together)
    packed = (-1, 0)  # sample, its lines
    for task in range(begin, end):
        sample, line = task // lines, task % lines
        packed = _packed(layer, own, apart, sample, line, packed)
        for j in range(layer.line_count[line]):
            above[j] = layer.lines[line, j, 0] * apart
            row[j] = layer.lines[line, j, 1] * channels
        done = 0
        for group in range(0, channels, together):
            for column in range(0, columns, layer.pixels):
                if layer.numbers.size:
                    _fetch(layer, sample, packed[1], done, parts)
                first, done = min(column, columns - layer.pixels), done + 1
                at = (task * columns + first) * channels
                for c in range(group, group + together, wide):
                    _strip(layer, own, above, row, line, first, out, at, c)


@inlined
def _packed(layer, own, apart, sample, line, packed):
    """Fill ``own`` with the bits of the input lines that an output line sees; ``packed``: the
    sample at hand, and the line up to which that is done. Returns the same of now."""
    count, width = layer.line_count[line], layer.in_columns * layer.channels // 16
    if count == 0 or (layer.deep and packed[0] == sample):
        return packed
    last = layer.in_lines if layer.deep else layer.lines[line, count - 1, 0] + 1
    if packed[0] == sample:
        first = packed[1]
    elif layer.deep or count < layer.lines.shape[1]:
        first = 0  # near a border, a later output line may see an earlier one of the input
    else:
        first = layer.lines[line, 0, 0]
    for k in range(first, last):
        to, begin = k * apart + layer.padding * layer.channels // 16, k * width
        line_bits = own[to : to + width]
        if layer.numbers.size:
            numbers = layer.numbers[sample][16 * begin : 16 * (begin + width)]
            for i in range(width):
                line_bits[i] = np.int16(active_mask_16(numbers, 16 * i))
        else:
            given = layer.bits[sample][begin : begin + width]
            for i in range(width):
                line_bits[i] = given[i]
    return sample, max(first, last)


@inlined
def _fetch(layer, sample, line, part, parts):
    """Let memory bring a part of the line that is packed next, while another is summed."""
    numbers, length = layer.numbers[sample], layer.in_columns * layer.channels
    share = (length // 16 + parts - 1) // parts * 16
    at = line * length + part * share
    for k in range(at, min(at + share, (line + 1) * length, numbers.size), 16):
        fetch(numbers, k)


@inlined
def _strip(layer, bits, above, row, line, first, out, at, c):
    """16 or 32 channels of a strip that sees the columns of ``bits`` from ``first`` on."""
    rows, bias, scale, n = layer.rows, layer.bias, layer.scale, layer.line_count[line]
    step, taps, wide, past = layer.channels, layer.row_taps, layer.pixels == WIDE, layer.past
    blocks = step // 16
    if step % 32 == 0 and taps == 5 and wide:
        pair_wide_5(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    elif step % 32 == 0 and taps == 5:
        pair_narrow_5(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    elif step % 32 == 0 and taps == 3 and wide:
        pair_wide_3(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    elif step % 32 == 0 and taps == 3:
        pair_narrow_3(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    elif taps == 5 and wide:
        wide_5(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    elif taps == 5:
        narrow_5(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    elif taps == 3 and wide:
        wide_3(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    elif taps == 3:
        narrow_3(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    elif wide:
        wide_7(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)
    else:
        narrow_7(out, at, step, rows, bits, above, row, n, first, blocks, c, bias, scale, past)


@roomy_body
def _masked_lines(begin, end, layer, out):
    """Output lines begin..end, numbered (sample, line), pixel by pixel."""
    place, row = np.empty((2, layer.taps), np.int64)
    _pixel_by_pixel(begin, end, layer, out, place, row)


@compiled
def _masked_lines_loop(start, threads, tasks, chunk, args):
    return fork(_masked_lines, start, threads, tasks, chunk, args)


@inlined
def _pixel_by_pixel(begin, end, layer, out, place, row):
    lines, columns, channels = layer.line_count.size, layer.run_count.size, layer.channels
    for task in range(begin, end):
        bits, line = layer.bits[task // lines], task % lines
        for column in range(columns):
            count, at = _taps(layer, line, column, place, row), (task * columns + column) * channels
            for c in range(0, channels, LANES):
                masked_sum_16(out, at + c, layer.rows, bits, place, row, count, c, layer.bias,
                              layer.scale)  # fmt: skip


@inlined
def _taps(layer, line, column, place, row):
    """Where the bits that an output sees begin, in sixteens, and their weights; how many."""
    count, channels = 0, layer.channels
    for r in range(layer.run_count[column]):
        first, last, shift = layer.runs[column, r]
        for j in range(layer.line_count[line]):
            above = layer.lines[line, j, 0] * layer.in_columns
            for i in range(first, last):
                place[count] = (above + i) * channels // LANES
                row[count] = (layer.lines[line, j, 1] + shift + i) * channels
                count += 1
    return count
