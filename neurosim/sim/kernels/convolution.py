"""Event-driven convolution in one, two and three dimensions."""

from __future__ import annotations

import math

import numpy as np

from neurosim.errors import SimulationError
from neurosim.sim.kernels.depthwise import depthwise
from neurosim.sim.kernels.events import SLACK, BitFrames, Frames, compress, frames
from neurosim.sim.kernels.gather import Sources, Sums, gather_loop
from neurosim.sim.kernels.geometry import Axis, tables
from neurosim.sim.kernels.lookup import has_tables, lookup_loop
from neurosim.sim.kernels.masked import masked, masks
from neurosim.sim.kernels.packing import PackedWeights, pack_weights, padded_bias
from neurosim.sim.kernels.pointwise import is_pointwise, memory, pointwise_loop
from neurosim.threads import spread

DIRECT_COLUMNS = 8  # shorter lines are joined into longer lists first
Sizes = int | tuple[int, ...]


def conv(
    x: np.ndarray | BitFrames,
    weight: np.ndarray | PackedWeights,
    bias: np.ndarray | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    transposed: bool = False,
    output_padding: Sizes = 0,
    spike: float | None = None,
    scale: float | None = None,
) -> np.ndarray:
    """torch's conv1d/2d/3d or conv_transpose1d/2d/3d of an x (N, C, *spatial) that is mostly zero.

    ``x``: also spikes as bits (then the result keeps all axes).
    ``spike``: the one value that every non-zero of x has, as the graph knows it; None: payloads are
    read and multiplied. A packed ``weight`` already knows its groups and direction. Returns float32
    (N, C_out, *spatial), channels innermost in memory (depthwise from payloads: contiguous). int8
    weights take whole payloads and give whole sums, int32 with an int32 bias, or float32 scale ·
    sum + bias.
    Raises SimulationError: channels or rank that do not fit, or sums that may not.
    """
    packed = (
        weight if isinstance(weight, PackedWeights) else pack_weights(weight, groups, transposed)
    )
    rank, spatial = packed.rank, len(x.shape) - 2
    unlike = not isinstance(x, BitFrames) and spatial != rank
    if unlike or x.shape[1] != packed.groups * packed.inputs:
        raise SimulationError(
            f"kernels.conv: x of shape {x.shape}; the weight expects "
            f"(N, {packed.groups * packed.inputs}, {'*, ' * rank}) in this order"
        )
    source = x if isinstance(x, BitFrames) else frames(x)
    layer = (packed.kernel, packed.rank, stride, padding, dilation, output_padding)
    axes = axes_of(source.shape[2:], *layer, packed.transposed)
    single = packed.inputs == 1 and packed.groups > 1
    whole = packed.integer and scale is None
    if single and spike is not None and not whole and masks(packed, source.shape[1]):
        out = masked(source, packed, bias, axes, spike if scale is None else scale)
    elif single and isinstance(source, Frames):
        out = _each(source, packed, bias, axes, scale)
    else:
        out = _gathered(source, packed, bias, axes, spike, scale)
    return out if isinstance(x, BitFrames) else out.reshape(*out.shape[:2], *out.shape[5 - rank :])


def axes_of(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    rank: int,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    output_padding: Sizes,
    transposed: bool,
) -> list[Axis]:
    """z, y and x of a convolution over the last ``rank`` of them; ``sizes``, ``kernel``: of all
    three. Raises SimulationError: an input smaller than the kernel."""
    settings = [
        _spatial(setting, rank, none)
        for setting, none in ((stride, 1), (padding, 0), (dilation, 1), (output_padding, 0))
    ]
    axes = [
        Axis(size, taps, stride_, padding_, dilation_, transposed, more)
        for size, taps, stride_, padding_, dilation_, more in zip(
            sizes, kernel, *settings, strict=True
        )
    ]
    if any(axis.out < 1 for axis in axes):
        raise SimulationError(
            f"kernels.conv: x of {sizes[3 - rank :]} positions is smaller than the dilated kernel "
            f"{kernel[3 - rank :]}; pass a larger x or padding"
        )
    return axes


def _spatial(setting: Sizes, rank: int, none: int) -> tuple[int, ...]:
    given = (setting,) * rank if isinstance(setting, (int, np.integer)) else tuple(setting)
    if len(given) != rank:
        raise SimulationError(
            f"kernels.conv: {given} for {rank} spatial axes; give one number or {rank}"
        )
    return (none,) * (3 - rank) + given


def _each(
    source: Frames,
    packed: PackedWeights,
    bias: np.ndarray | None,
    axes: list[Axis],
    scale: float | None,
) -> np.ndarray:
    """Single channels; whole sums stay below 2^24, where float32 holds them."""
    if not packed.integer:
        return depthwise(source, packed, bias, axes)
    most = np.abs(source.flat).max(initial=0) * 128 * math.prod(packed.kernel)
    if most >= 2**24:
        raise SimulationError("kernels.conv: sums of single channels may pass 2^24; scale down")
    sums = depthwise(source, packed, None, axes)
    offset = 0 if bias is None else bias.reshape(1, -1, 1, 1, 1)
    return sums.astype(np.int32) + offset if scale is None else sums * np.float32(scale) + offset


def _whole(value: np.ndarray, fan_in: int) -> np.ndarray:
    """Payloads as int32. Raises SimulationError: not whole, or a sum of so many may pass int32."""
    if float(np.abs(value).max(initial=0)) * 128 * fan_in >= 2**31:
        raise SimulationError("kernels.conv: sums may pass int32; scale the payloads down")
    whole = value.astype(np.int32)
    if (whole != value).any():
        raise SimulationError("kernels.conv: int8 weights take whole payloads; give units")
    return whole


def _gathered(
    source: Frames | BitFrames,
    packed: PackedWeights,
    bias: np.ndarray | None,
    axes: list[Axis],
    spike: float | None,
    factor: float | None,
) -> np.ndarray:
    z, y, x = axes
    samples, graded = source.shape[0], spike is None
    table, taps = tables(z, y, x), z.kernel * y.kernel * x.kernel
    kind = np.int32 if packed.integer and factor is None else np.float32
    out = np.empty((samples, z.out, y.out, x.out, packed.outputs), kind)
    scale = np.float32(factor or (1.0 if spike is None else spike))
    offsets = padded_bias(bias, packed.outputs, kind)
    sums = Sums(packed.rows, packed.tiles, offsets, scale, out.reshape(-1))
    if not graded and is_pointwise(source, packed, axes):
        pixels = z.size * y.size * x.size
        if isinstance(source, BitFrames) and has_tables(packed):
            looked_up = (source.words, packed.fours, packed.inputs, pixels, offsets, scale)
            spread(lookup_loop, samples * pixels, out.size, *looked_up, out.reshape(-1))
            return out.transpose(0, 4, 1, 2, 3)
        unread = np.empty(SLACK, np.int32 if packed.integer else np.float32)
        given = (*memory(source), unread, packed.inputs, pixels, sums)
        spread(pointwise_loop, samples * pixels, out.size, *given)
        return out.transpose(0, 4, 1, 2, 3)
    events = compress(source, packed.groups, graded)
    value = _whole(events.value, packed.inputs * taps) if packed.integer else events.value
    direct = x.size >= DIRECT_COLUMNS and all(axis.keeps_place for axis in axes)
    sources = Sources(
        *(events.index, value, events.start),
        *(table.lines, table.line_count, table.runs, table.run_count),
        *(z.size * y.size, packed.inputs, taps, graded, direct),
    )
    tasks = samples * packed.groups * z.out * y.out
    spread(gather_loop, tasks, out.size * taps, sources, sums)
    return out.transpose(0, 4, 1, 2, 3)
