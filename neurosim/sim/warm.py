"""``python -m neurosim.sim.warm``: compile the engine's kernels and measure this machine's costs.

Set-up does it once, so that the first run waits for neither; what is compiled lies in numba's
cache, the costs in neurosim's. Both are made again when the processor or a version changes. Without
set-up, ``--beside`` is the second process of a first run (``neurosim.threads._beside``), as
``--half`` is that of set-up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from neurosim.threads import spread
from neurosim.threads._beside import announce, finish, offer

if TYPE_CHECKING:
    from neurosim.sim.kernels.events import BitFrames


def compile_kernels() -> None:
    """Every kernel in the types that graphs use, half of them in a second process."""
    offer("neurosim.sim.warm", "--half")
    _kernels()
    compile_half()
    finish()


def compile_half() -> None:
    """The half of the work that is none of ``sim.kernels``."""
    _neurons()
    _sums_and_affines()


def _kernels() -> None:
    from neurosim.sim import kernels

    rng = np.random.default_rng(0)
    spikes = (rng.random((2, 32, 6, 9)) < 0.2).astype(np.float32)
    last = np.ascontiguousarray(spikes.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    dense, single = rng.random((32, 32, 3, 3), np.float32), rng.random((32, 1, 3, 3), np.float32)
    for x in (spikes, last):
        for spike in (1.0, None):
            kernels.conv(x, dense, padding=1, spike=spike)
        kernels.conv(x, single, padding=1, groups=32)
        for stride in (1, 2):
            kernels.conv(x, single, stride=stride, padding=1, groups=32, spike=1.0)  # masks
        kernels.conv(x, dense[:, :, :1, :1], spike=1.0)  # pixel by pixel
        kernels.count_active(x, units=True)
    for weight, padding in ((dense, 1), (dense[:, :, :1, :1], 0)):
        kernels.conv(_bits(), weight, padding=padding, spike=1.0)
    kernels.matmul(spikes.reshape(2, 32, 54), spikes.reshape(2, 54, 32))
    _small_products()
    _reach()
    _pools(last.transpose(0, 2, 3, 1))


def _bits(channels: int = 32) -> BitFrames:
    from neurosim.sim.kernels.events import BitFrames

    return BitFrames(np.ones((2, 54 * channels // 64), np.int64), (2, channels, 1, 6, 9))


def _reach() -> None:
    from neurosim.sim.kernels.convolution import axes_of
    from neurosim.sim.kernels.reach import reach

    active = np.ones((2, 1, 6, 9), np.int64)
    reach(active, axes_of((1, 6, 9), (1, 3, 3), 2, 1, 1, 1, 0, False))


def _small_products() -> None:
    from neurosim.sim.kernels.small_products import Laid, small_products

    one = Laid(np.ones(256, np.float32), (256, 256, 256, 16, 1))
    small_products(one, one, (1, 1, 1, 16, 16, 16), 1.0)


def _pools(last: np.ndarray) -> None:
    from neurosim.sim.kernels.pooling import max_pool, spans

    max_pool(last, spans(6, 3, 2, 2, 0), spans(9, 4, 2, 2, 0))


def _neurons() -> None:
    from neurosim.ir.neuron import IF, CurrentLIF
    from neurosim.ops._neuron_fixed_kernel import scan_fixed
    from neurosim.ops._neuron_fused import scan_fused

    x = np.random.default_rng(0).random((2, 1, 70), np.float32)
    scan_fused(CurrentLIF(i_decay=0.5, v_decay=0.5), {}, x)  # one that is not plain
    for order in (None, (0,)):
        bits = scan_fused(IF(), {}, x, bits_order=order).out
    if not isinstance(bits, np.ndarray):
        bits.dense()
        bits.sum_innermost()
    whole = np.zeros((3, 70), np.int64)
    scan_fixed(x[:, 0], x[:, 0].copy(), *whole, (0, 0, 12, 6), 1, 1, False)


def compile_beside() -> None:
    """What most runs compile late and what takes long, the longest first; imports no torch."""
    from neurosim.ops import _sum_kernel as sums
    from neurosim.sim import kernels

    kernels.conv(_bits(), np.ones((32, 32, 3, 3), np.float32), padding=1, spike=1.0)
    kernels.conv(_bits(64), np.ones((32, 64, 1, 1), np.float32), spike=1.0)
    _small_products()
    _reach()
    x, found = np.ones((2, 3, 20), np.float32), np.empty((2, 20), np.int32)
    spread(sums.active_middle_loop, 2, 0, x, found)
    rows, counts = x.reshape(2, 60), found[:, :1].reshape(2)
    spread(sums.units_last_loop, 2, 0, rows, np.float32(1), False, counts)
    spread(sums.active_last_loop, 2, 0, rows, counts)


def _sums_and_affines() -> None:
    import torch

    from neurosim.ops._affine_kernel import affine_loop
    from neurosim.ops._layout import channels_last
    from neurosim.ops._sums import products, sum_axis
    from neurosim.ops.affine import NOTHING

    x = torch.ones(2, 2, 20, 20)
    for axis in (2, 3):
        sum_axis(x, axis, None, True)
        sum_axis(x, axis, 1.0, False)
    channels_last(x)
    products(x.numpy().astype(np.int64), np.ones((20, 20), np.int64))
    rows, one = x.numpy().reshape(4, -1), np.ones((1, 400), np.float32)
    for other in (NOTHING, rows):
        spread(affine_loop, 4, 0, rows, other, rows.copy(), one, one, 400, True, 2, True)


def warm(tell: Callable[[int, int], object] | None = None) -> None:
    """Compile, then measure unless this machine was measured before. ``tell``: as ``calibrate``."""
    import torch

    from neurosim.sim.calibrate import calibrate
    from neurosim.sim.cost import path_for, read

    compile_kernels()
    path = path_for(torch.get_num_threads())
    if read(path) is None:
        calibrate(tell).save(path)


if __name__ == "__main__":
    if sys.argv[1:]:
        announce()
    {"--beside": compile_beside, "--half": compile_half}.get(sys.argv[-1], warm)()
