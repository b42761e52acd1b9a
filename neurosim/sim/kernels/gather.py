"""Output-stationary sums: each output collects the weight rows of the events it sees.

Per task (one sample and group, some output lines): the events under each output are joined into one
list, then every tile of output channels walks the lists with its accumulators in registers; the
lists are made once for all tiles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.ops._vectors import (
    copy_shifted,
    copy_values,
    graded_sum_16,
    graded_sum_32,
    graded_sum_64,
    row_sum_16,
    row_sum_32,
    row_sum_64,
)
from neurosim.sim.kernels.events import SLACK
from neurosim.threads._fork import compiled, fork, inlined, roomy_body

BLOCK_EVENTS = 1 << 16
BLOCK_PIXELS = 1 << 12


class Sources(NamedTuple):
    """Events (see events.Events) and where each output finds its own (see geometry.Tables)."""

    number: np.ndarray
    value: np.ndarray
    start: np.ndarray
    lines: np.ndarray
    line_count: np.ndarray
    runs: np.ndarray
    run_count: np.ndarray
    in_lines: int  # per sample and group
    inputs: int  # channels per group
    taps: int
    graded: bool  # payloads are multiplied
    direct: bool  # one tap, nothing moved: output column x sees the events of input column x


class Lists(NamedTuple):
    """``number[bounds[p] : bounds[p + 1]]`` are the weight rows of pixel p; ``value`` payloads."""

    number: np.ndarray
    value: np.ndarray
    bounds: np.ndarray
    step: int  # rows by which the numbers of one pixel are ahead of those of the pixel before


class Sums(NamedTuple):
    """Packed weights (see packing.PackedWeights); sums become scale · sum + bias.

    int8 rows are summed in int32: ``out`` is int32, then without ``scale``, or float32.
    """

    rows: np.ndarray
    tiles: np.ndarray
    bias: np.ndarray
    scale: np.float32
    out: np.ndarray  # (N, lines, columns, channels), flat


@inlined
def sum_spikes(width, out, at, sums, weight_at, lists, begin, end, first):
    """out[at:+width] = scale · Σ rows of events begin..end + bias, one tile of output channels."""
    weight, index, value, bias, scale = sums.rows, lists.number, lists.value, sums.bias, sums.scale
    if width == 64:
        row_sum_64(out, at, weight, weight_at, index, value, begin, end, bias, first, scale)
    elif width == 32:
        row_sum_32(out, at, weight, weight_at, index, value, begin, end, bias, first, scale)
    else:
        row_sum_16(out, at, weight, weight_at, index, value, begin, end, bias, first, scale)


@inlined
def sum_payloads(width, out, at, sums, weight_at, lists, begin, end, first):
    """The same of rows times their events' payloads."""
    weight, index, value, bias, scale = sums.rows, lists.number, lists.value, sums.bias, sums.scale
    if width == 64:
        graded_sum_64(out, at, weight, weight_at, index, value, begin, end, bias, first, scale)
    elif width == 32:
        graded_sum_32(out, at, weight, weight_at, index, value, begin, end, bias, first, scale)
    else:
        graded_sum_16(out, at, weight, weight_at, index, value, begin, end, bias, first, scale)


@inlined
def _tile_pass(graded, tile, pixels, sums, out_at, channels, lists, spill):
    """One tile of output channels over consecutive pixels."""
    weight_at, width, first, valid = tile[0], tile[1], tile[2], tile[3]
    whole = valid == width  # else the tile would write into the next pixel
    target = sums.out if whole else spill
    for pixel in range(pixels):
        begin, end = lists.bounds[pixel], lists.bounds[pixel + 1]
        at = out_at + pixel * channels + first
        rows_at = weight_at - pixel * lists.step * width
        here = at if whole else 0
        if graded:
            sum_payloads(width, target, here, sums, rows_at, lists, begin, end, first)
        else:
            sum_spikes(width, target, here, sums, rows_at, lists, begin, end, first)
        if not whole:
            for k in range(valid):
                sums.out[at + k] = spill[k]


@inlined
def _join(source, row, line, column, index, value, at):
    """Append the events under one output; ``row``: input row of line 0. Returns the new length."""
    for j in range(source.line_count[line]):
        start = source.start[row + source.lines[line, j, 0]]
        for r in range(source.run_count[column]):
            begin = start[source.runs[column, r, 0]]
            size = start[source.runs[column, r, 1]] - begin
            shift = (source.lines[line, j, 1] + source.runs[column, r, 2]) * source.inputs
            for k in range(0, size, SLACK):
                copy_shifted(index, at + k, source.number, begin + k, shift)
                if source.graded:
                    copy_values(value, at + k, source.value, begin + k, 0)
            at += size
    return at


@inlined
def _join_block(source, task, end, groups, index, value, bounds):
    """Lists of the output lines from ``task`` on that fit and lie together in the output."""
    out_lines, columns = source.line_count.size, source.run_count.size
    last = end if groups == 1 else min(end, (task // out_lines + 1) * out_lines)
    pixels, at = 0, 0
    while task < last and at < BLOCK_EVENTS and pixels < BLOCK_PIXELS:
        row, line = task // out_lines * source.in_lines, task % out_lines
        for column in range(columns):
            bounds[pixels] = at
            pixels += 1
            at = _join(source, row, line, column, index, value, at)
        task += 1
    bounds[pixels] = at
    return pixels


@roomy_body
def gather(begin, end, source, sums):
    """Sums of output lines begin..end, numbered (sample, group, line)."""
    groups, channels = sums.tiles.shape[0], sums.bias.size - 64
    out_lines, columns = source.line_count.size, source.run_count.size
    capacity = BLOCK_EVENTS + columns * source.taps * source.inputs + SLACK
    index = np.empty(capacity, np.int32)
    value = np.empty(capacity if source.graded else SLACK, source.value.dtype)
    spill = np.empty(64, sums.out.dtype)
    bounds = np.empty(BLOCK_PIXELS + columns + 1, np.int64)
    task = begin
    while task < end:
        line, group, sample = (
            task % out_lines,
            task // out_lines % groups,
            task // out_lines // groups,
        )
        pixels = columns
        lists = Lists(
            source.number, source.value, source.start[task % source.start.shape[0]], source.inputs
        )
        if not source.direct:
            pixels = _join_block(source, task, end, groups, index, value, bounds)
            lists = Lists(index, value, bounds, 0)
        out_at = (sample * out_lines + line) * columns * channels
        for t in range(sums.tiles.shape[1]):
            _tile_pass(
                source.graded, sums.tiles[group, t], pixels, sums, out_at, channels, lists, spill
            )
        task += pixels // columns


@compiled
def gather_loop(start, threads, tasks, chunk, args):
    return fork(gather, start, threads, tasks, chunk, args)
