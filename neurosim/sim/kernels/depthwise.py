"""Event-driven convolution of single channels: every event adds its kernel to a padded plane.

The plane of one (sample, channel) has margins, so no event looks at a border; dilation widens the
stored kernel rows with zeros, stride reads every s-th element of the plane, a transposed stride
spreads the events instead.
"""

from __future__ import annotations

import numpy as np

from neurosim.ops._vectors import active_mask_16, add_8, add_splat_16, lowest_bit
from neurosim.sim.kernels.events import Frames
from neurosim.sim.kernels.geometry import Axis
from neurosim.sim.kernels.packing import PackedWeights, padded_bias
from neurosim.threads import spread
from neurosim.threads._fork import compiled, fork, inlined, roomy_body

LANES = 8
SLACK = 16  # floats past a plane that a vector may touch
BLOCK = 16  # channels whose planes are filled together when channels are innermost


def depthwise(
    source: Frames, packed: PackedWeights, bias: np.ndarray | None, axes: list[Axis]
) -> np.ndarray:
    """conv with one input channel per group; returns (N, C_out, Z, Y, X), contiguous."""
    if source.channels_last and packed.outputs != packed.groups:
        source = _planar(source)
    samples, channels = source.shape[:2]
    kernel_rows, lines, room = _kernel_rows(packed, axes)
    sizes = np.array([_axis_numbers(axis) for axis in axes], np.int64)
    place = _places(sizes, room)
    out = np.empty((samples, packed.outputs, *(axis.out for axis in axes)), np.float32)
    offsets = padded_bias(bias, packed.outputs)[: packed.outputs]
    block = BLOCK if source.channels_last else 1
    loop = _scatter_last_loop if source.channels_last else _scatter_planar_loop
    tasks = samples * -(-packed.outputs // block)
    given = (
        source.flat,
        channels,
        sizes,
        room,
        place,
        kernel_rows,
        lines,
        offsets,
        out.reshape(-1),
    )
    spread(loop, tasks, out.size * 4, *given)
    return out


def _planar(source: Frames) -> Frames:
    samples, channels, *spatial = source.shape
    last = source.flat.reshape(samples, -1, channels)
    return Frames(np.ascontiguousarray(last.transpose(0, 2, 1)).reshape(-1), source.shape, False)


def _axis_numbers(axis: Axis) -> tuple[int, ...]:
    """input size, output size, spread of events, step of outputs, plane size, first output's place.

    Event i adds tap k at ``i·spread + (kernel−1−k)·dilation`` (ordinary) or ``i·spread +
    k·dilation`` (transposed).
    """
    spread, step = (axis.stride, 1) if axis.transposed else (1, axis.stride)
    first = axis.padding if axis.transposed else axis.reach - 1 - axis.padding
    before = max(0, -first)
    last = max((axis.size - 1) * spread + axis.reach, first + (axis.out - 1) * step + 1)
    return axis.size, axis.out, spread, step, before + last, first + before, before


def _kernel_rows(packed: PackedWeights, axes: list[Axis]) -> tuple[np.ndarray, np.ndarray, int]:
    """Kernel rows in scatter order, widened by dilation to whole vectors; the plane line of each;
    plane row length.
    """
    z, y, x = axes
    taps = packed.plain[:, :, 0][..., ::-1, ::-1, ::-1].reshape(-1, z.kernel, y.kernel, x.kernel)
    wide = -(-x.reach // LANES) * LANES
    rows = np.zeros((*taps.shape[:3], wide), np.float32)
    rows[..., : x.reach : x.dilation] = taps
    room = _axis_numbers(x)[4] + LANES
    height = _axis_numbers(y)[4]
    lines = [
        (kz * z.dilation * height + ky * y.dilation) * room
        for kz in range(z.kernel)
        for ky in range(y.kernel)
    ]
    return rows.reshape(rows.shape[0], -1), np.array(lines, np.int64), room


def _places(sizes: np.ndarray, room: int) -> np.ndarray:
    """Where in the padded plane the kernel of each input position (z, y, x) begins; flat."""
    z, y, x = (np.arange(row[0]) * row[2] + row[6] for row in sizes)
    lines = z[:, None, None] * sizes[1, 4] + y[:, None]
    return np.asarray(lines * room + x, np.int64).reshape(-1)


@roomy_body
def _scatter_planar(begin, end, x, channels, sizes, room, place, kernel_rows, lines, bias, out):
    """Output planes begin..end, numbered (sample, output channel), from x (N, C, positions)."""
    outputs, size, wide = bias.size, place.size, kernel_rows.shape[1] // lines.size
    plane = np.empty(sizes[0, 4] * sizes[1, 4] * room + SLACK, np.float32)
    for task in range(begin, end):
        channel = task % outputs
        plane[:] = 0
        source = (task // outputs * channels + channel // (outputs // channels)) * size
        for first in range(0, size, 64):
            mask = _mask(x, source + first, 16, size - first, 16)
            while mask:
                k = first + lowest_bit(mask)
                mask &= mask - 1
                _add_kernel(plane, place[k], lines, wide, kernel_rows, channel, x[source + k])
        _crop(plane, 0, sizes, room, bias[channel], out, task)


@compiled
def _scatter_planar_loop(start, threads, tasks, chunk, args):
    return fork(_scatter_planar, start, threads, tasks, chunk, args)


@roomy_body
def _scatter_last(begin, end, x, channels, sizes, room, place, kernel_rows, lines, bias, out):
    """Blocks begin..end of 16 channels, numbered (sample, block), from x (N, positions, C)."""
    blocks, size, wide = -(-channels // BLOCK), place.size, kernel_rows.shape[1] // lines.size
    size_padded = sizes[0, 4] * sizes[1, 4] * room + SLACK
    stride = (
        size_padded | 1023
    ) + 81  # planes a multiple of 4 KiB apart would share their cache sets
    planes = np.empty(BLOCK * stride, np.float32)
    for task in range(begin, end):
        sample, channel = task // blocks, task % blocks * BLOCK
        held = min(BLOCK, channels - channel)
        planes[: held * stride] = 0
        for first in range(0, size, 4):
            source = (sample * size + first) * channels + channel
            mask = _mask(x, source, channels, held * min(4, size - first), held)
            while mask:
                bit = lowest_bit(mask)
                mask &= mask - 1
                k, c = bit // BLOCK, bit % BLOCK
                _add_kernel(
                    planes,
                    c * stride + place[first + k],
                    lines,
                    wide,
                    kernel_rows,
                    channel + c,
                    x[source + k * channels + c],
                )
        for c in range(held):
            _crop(
                planes,
                c * stride,
                sizes,
                room,
                bias[channel + c],
                out,
                sample * channels + channel + c,
            )


@compiled
def _scatter_last_loop(start, threads, tasks, chunk, args):
    return fork(_scatter_last, start, threads, tasks, chunk, args)


@inlined
def _mask(x, at, step, left, held):
    """Bit 16j + k: x[at + j·step + k] ≠ 0, for j < 4, k < held and 16j + k (held = 16) or j·held +
    k < left.
    """
    if held == 16 and left >= 64:
        low = active_mask_16(x, at) | active_mask_16(x, at + step) << 16
        return low | active_mask_16(x, at + 2 * step) << 32 | active_mask_16(x, at + 3 * step) << 48
    mask = np.int64(0)
    for k in range(min(left, 4 * held)):
        j, lane = k // held, k % held
        mask |= np.int64(x[at + j * step + lane] != 0) << (16 * j + lane)
    return mask


@inlined
def _add_kernel(plane, at, lines, wide, kernel_rows, channel, value):
    for row in range(lines.size):
        for lane in range(0, wide, LANES):
            source = channel * kernel_rows.shape[1] + row * wide + lane
            add_8(plane, at + lines[row] + lane, kernel_rows, source, value)


@inlined
def _crop(plane, base, sizes, room, bias, out, task):
    """The outputs of one plane: every step-th element from the first output's place."""
    at = task * sizes[0, 1] * sizes[1, 1] * sizes[2, 1]
    step, columns = sizes[2, 3], sizes[2, 1]
    end = at + sizes[0, 1] * sizes[1, 1] * columns
    for z in range(sizes[0, 1]):
        for y in range(sizes[1, 1]):
            line = (z * sizes[0, 3] + sizes[0, 5]) * sizes[1, 4] + y * sizes[1, 3] + sizes[1, 5]
            first = base + line * room + sizes[2, 5]
            column = 0
            if step == 1:  # whole vectors; what runs over a line is written again by the next
                while column < columns and at + column + 16 <= end:
                    add_splat_16(out, at + column, plane, first + column, bias)
                    column += 16
            while column < columns:
                out[at + column] = plane[first + column * step] + bias
                column += 1
            at += columns
