"""Measure what layers cost on this machine: small probes of every kind, then a fit of the terms.

Each probe is timed in both engines on the same spikes, the least of several goes; the terms'
seconds are the non-negative least squares of the relative error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neurosim.sim.cost import (
    DENSE,
    DENSE_TERMS,
    EVENT,
    EVENT_TERMS,
    PLANAR,
    Costs,
    Work,
    few,
    machine,
)
from neurosim.threads import spread

DENSITIES = (0.02, 0.1, 0.25)
GOES = 5
LAST = {3: torch.contiguous_format, 4: torch.channels_last, 5: torch.channels_last_3d}
_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@dataclass(frozen=True)
class Probe:
    """A layer: channels in and out, kernel, positions along each axis, groups, slices."""

    kind: str
    inputs: int
    outputs: int
    kernel: int
    size: int
    groups: int = 1
    slices: int = 8

    @property
    def axes(self) -> int:
        """Spatial axes; a linear layer has one, of rows."""
        return {"linear": 0, "conv1": 1, "conv3": 3}.get(self.kind, 2)


def probes() -> list[Probe]:
    """From a stem to a wide, small layer, in every kind."""
    spatial = [(3, 32, 56), (16, 32, 32), (32, 64, 28), (64, 64, 28), (128, 256, 14), (256, 256, 7)]
    wide = [(64, 64, 28), (96, 160, 28), (128, 256, 14), (256, 128, 14), (256, 1024, 7)]
    narrow = [(16, 16, 56), (16, 64, 56), (32, 16, 56), (32, 32, 28), (32, 128, 28)]
    return [
        *(Probe("conv2", a, b, 3, size) for a, b, size in spatial),
        *(Probe("conv2", a, 64, 5, 16) for a in (16, 64)),
        *(Probe("conv2", 128, 128, 3, 14, groups=g) for g in (4, 16)),
        *(Probe("pointwise", a, b, 1, size) for a, b, size in wide + narrow),
        *(Probe("depthwise", c, c, k, s, groups=c)
          for c, k, s in ((32, 3, 56), (64, 5, 28), (256, 3, 14), (256, 5, 7))),
        *(Probe("linear", a, b, 1, rows, slices=8)
          for a, b, rows in ((64, 64, 196), (256, 256, 49), (512, 512, 16), (64, 256, 64),
                             (384, 1152, 49), (768, 384, 98), (384, 768, 49), (96, 288, 64),
                             (16, 64, 196), (32, 32, 196), (32, 96, 64), (24, 256, 64))),
        *(Probe("conv1", a, b, 3, size) for a, b, size in ((16, 32, 512), (64, 64, 256),
                                                           (128, 128, 64))),
        *(Probe("conv3", a, b, 3, size, slices=2) for a, b, size in ((4, 16, 14), (16, 32, 10),
                                                                     (32, 64, 7))),
    ]  # fmt: skip


def calibrate(tell: Callable[[int, int], object] | None = None) -> Costs:
    """Costs of this machine, with the threads that torch has now; about ten seconds.

    ``tell`` hears how many probes are done, and how many there are.
    """
    measured: dict[str, list[tuple[dict[str, float], float]]] = {}
    listed = probes()
    with torch.inference_mode():
        for number, probe in enumerate(listed):
            for engine, work, seconds in measurements(probe):
                terms = work.event() if engine == EVENT else work.dense()
                measured.setdefault(f"{work.kind}/{engine}", []).append((terms, seconds))
            if tell is not None:
                tell(number + 1, len(listed))
        seconds = {key: fitted(rows) for key, rows in measured.items()}
        seconds["turn"] = {"inputs": _turn()}
        seconds["unpack"] = {"inputs": _unpack()}
    return Costs(seconds, machine(torch.get_num_threads()))


def fitted(rows: list[tuple[dict[str, float], float]]) -> dict[str, float]:
    """Seconds of each term: Σ terms · seconds ≈ measured, in relative error, none negative."""
    from scipy.optimize import nnls

    names = DENSE_TERMS if set(rows[0][0]) == set(DENSE_TERMS) else EVENT_TERMS
    table = np.array([[terms[name] / seconds for name in names] for terms, seconds in rows])
    scale = np.maximum(table.max(axis=0), 1e-300)
    found, _ = nnls(table / scale, np.ones(len(rows)))
    return {name: float(value) for name, value in zip(names, found / scale, strict=True)}


def measurements(probe: Probe) -> Iterator[tuple[str, Work, float]]:
    """(engine, work, seconds) of one layer at each density."""
    rng = np.random.default_rng(probe.inputs * 1000 + probe.outputs)
    weight = rng.standard_normal(_weight_shape(probe)).astype(np.float32)
    for number, density in enumerate(DENSITIES):
        shape = (probe.slices, probe.inputs, *(probe.size,) * max(1, probe.axes))
        x = torch.from_numpy((rng.random(shape) < density).astype(np.float32))
        active = float(x.sum())
        work = work_of(probe, active)
        if number == 0:
            yield from ((engine, work, seconds(call)) for engine, call in dense(probe, x, weight))
        for bits, call in event(probe, x, weight):
            yield EVENT, replace(work, bits=bits), seconds(call)


def work_of(probe: Probe, active: float) -> Work:
    """The probe's terms; convolutions are padded to the same size, as most are."""
    positions = probe.slices * probe.size ** max(1, probe.axes)
    taps = probe.kernel**probe.axes
    fan_in, fan_out = probe.inputs // probe.groups, probe.outputs // probe.groups
    flat = probe.kind in ("linear", "pointwise")
    kind = few(probe.kind, fan_in) if flat else probe.kind
    return Work(
        kind, positions * probe.inputs, positions * probe.outputs,
        positions * probe.outputs * fan_in * taps, taps, fan_in, fan_out, active,
    )  # fmt: skip


def dense(probe: Probe, x: Tensor, weight: np.ndarray) -> Iterable[tuple[str, Callable[[], Any]]]:
    """torch's kernel in the layouts that there are."""
    plain = torch.from_numpy(weight)
    if probe.kind == "linear":
        rows = x.movedim(1, -1).contiguous()
        return [(DENSE, lambda: F.linear(rows, plain))]
    conv = partial(_CONV[probe.axes], padding=probe.kernel // 2, groups=probe.groups)
    planar = (PLANAR, lambda: conv(x, plain))
    if probe.axes != 2:
        return [(DENSE, planar[1])]
    last, kernel = (t.contiguous(memory_format=LAST[t.ndim]) for t in (x, plain))
    return [planar, (DENSE, lambda: conv(last, kernel))]


def event(probe: Probe, x: Tensor, weight: np.ndarray) -> Iterable[tuple[bool, Callable[[], Any]]]:
    """Our kernel from float32 and from bits, with channels innermost."""
    from neurosim.ops._bits import Bits
    from neurosim.ops._bits_kernel import pack_loop
    from neurosim.sim.kernels import conv, linear, pack_weights
    from neurosim.sim.kernels.events import bit_frames

    packed = pack_weights(weight, probe.groups)
    last = np.ascontiguousarray(np.moveaxis(x.numpy(), 1, -1))
    if probe.kind == "linear":
        yield False, lambda: linear(last, packed, spike=1.0)
    else:
        frames = np.moveaxis(last, -1, 1)
        yield False, lambda: conv(frames, packed, padding=probe.kernel // 2, spike=1.0)
    if probe.kind == "depthwise":
        return
    inner = (*range(1, x.ndim - 1), 0)
    bits = Bits.empty((1, *x.shape), inner)
    spread(pack_loop, len(last), 0, last.reshape(len(last), -1), bits.words)
    walked = bit_frames(bits)
    padding = 0 if probe.kind == "linear" else probe.kernel // 2
    assert walked is not None
    yield True, lambda: conv(walked, packed, padding=padding, spike=1.0)


def seconds(call: Callable[[], Any]) -> float:
    """The least of several goes, after one that compiles."""
    call()
    least = float("inf")
    for _ in range(GOES):
        begin = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - begin)
    return least


def _weight_shape(probe: Probe) -> tuple[int, ...]:
    return (probe.outputs, probe.inputs // probe.groups, *(probe.kernel,) * probe.axes)


def _unpack() -> float:
    """Seconds an element of making numbers of bits."""
    from neurosim.ops._bits import Bits

    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**62, (8, 64 * 28 * 28 // 64))
    bits = Bits(words, (1, 8, 64, 28, 28), (1, 2, 0))
    return seconds(bits.dense) / (words.size * 64)


def _turn() -> float:
    """Seconds an element of bringing activity into the other memory order."""
    x = torch.rand(8, 64, 28, 28)
    return seconds(lambda: x.contiguous(memory_format=torch.channels_last)) / x.numel()
