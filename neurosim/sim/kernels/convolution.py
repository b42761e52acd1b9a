"""Event-driven convolution in one, two and three dimensions."""

from __future__ import annotations

from functools import partial

import numpy as np

from neurosim.errors import SimulationError
from neurosim.sim.kernels.depthwise import depthwise
from neurosim.sim.kernels.events import Frames, compress, frames
from neurosim.sim.kernels.gather import Sources, Sums, gather
from neurosim.sim.kernels.geometry import Axis, tables
from neurosim.sim.kernels.packing import PackedWeights, pack_weights, padded_bias
from neurosim.sim.kernels.threads import run_tasks

DIRECT_COLUMNS = 8  # shorter lines are joined into longer lists first
Sizes = int | tuple[int, ...]


def conv(
    x: np.ndarray,
    weight: np.ndarray | PackedWeights,
    bias: np.ndarray | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    transposed: bool = False,
    output_padding: Sizes = 0,
    spike: float | None = None,
) -> np.ndarray:
    """torch's conv1d/2d/3d or conv_transpose1d/2d/3d of an x (N, C, *spatial) that is mostly zero.

    ``spike``: the one value that every non-zero of x has, as the graph knows it; None: payloads are
    read and multiplied. A packed ``weight`` already knows its groups and direction. Returns float32
    (N, C_out, *spatial), channels innermost in memory (depthwise: contiguous).
    Raises SimulationError: channels or rank that do not fit.
    """
    packed = (
        weight if isinstance(weight, PackedWeights) else pack_weights(weight, groups, transposed)
    )
    rank = packed.rank
    if x.ndim != rank + 2 or x.shape[1] != packed.groups * packed.inputs:
        raise SimulationError(
            f"kernels.conv: x of shape {x.shape}; the weight expects "
            f"(N, {packed.groups * packed.inputs}, {'*, ' * rank}) in this order"
        )
    source = frames(x)
    settings = [
        _spatial(setting, rank, none)
        for setting, none in ((stride, 1), (padding, 0), (dilation, 1), (output_padding, 0))
    ]
    axes = [
        Axis(size, kernel, stride_, padding_, dilation_, packed.transposed, more)
        for size, kernel, stride_, padding_, dilation_, more in zip(
            source.shape[2:], packed.kernel, *settings, strict=True
        )
    ]
    if any(axis.out < 1 for axis in axes):
        raise SimulationError(
            f"kernels.conv: x of shape {x.shape} is smaller than the dilated kernel "
            f"{packed.kernel[3 - rank :]}; pass a larger x or padding"
        )
    if packed.inputs == 1 and packed.groups > 1:
        out = depthwise(source, packed, bias, axes)
    else:
        out = _gathered(source, packed, bias, axes, spike)
    return out.reshape(*out.shape[:2], *out.shape[5 - rank :])


def _spatial(setting: Sizes, rank: int, none: int) -> tuple[int, ...]:
    given = (setting,) * rank if isinstance(setting, (int, np.integer)) else tuple(setting)
    if len(given) != rank:
        raise SimulationError(
            f"kernels.conv: {given} for {rank} spatial axes; give one number or {rank}"
        )
    return (none,) * (3 - rank) + given


def _gathered(
    source: Frames,
    packed: PackedWeights,
    bias: np.ndarray | None,
    axes: list[Axis],
    spike: float | None,
) -> np.ndarray:
    z, y, x = axes
    samples, graded = source.shape[0], spike is None
    table, taps = tables(z, y, x), z.kernel * y.kernel * x.kernel
    events = compress(source, packed.groups, graded)
    out = np.empty((samples, z.out, y.out, x.out, packed.outputs), np.float32)
    direct = x.size >= DIRECT_COLUMNS and all(axis.keeps_place for axis in axes)
    sources = Sources(
        *(events.index, events.value, events.start),
        *(table.lines, table.line_count, table.runs, table.run_count),
        *(z.size * y.size, packed.inputs, taps, graded, direct),
    )
    scale = np.float32(1.0 if spike is None else spike)
    offsets = padded_bias(bias, packed.outputs)
    sums = Sums(packed.rows, packed.tiles, offsets, scale, out.reshape(-1))
    tasks = samples * packed.groups * z.out * y.out
    run_tasks(partial(gather, sources, sums), tasks, out.size * taps)
    return out.transpose(0, 4, 1, 2, 3)
