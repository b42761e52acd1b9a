"""Event kernels against torch's fastest dense kernel: same input, compression included, and checked
to be bit-equal before it is timed.

torch is timed contiguous and channels-last and the faster of the two counts; the event kernel gets
its input in that same layout, or as the bits that a neuron emits ("bits"). Break-even: the largest
density at which the event kernel is still the faster one, from a sweep. Adds: synaptic operations a
second over the float32 additions a second that the same threads manage from the first-level cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.common import THREADS, Row, interleaved, main, row, seconds
from benchmarks.roofline import adds_per_second
from neurosim.ops._bits import Bits
from neurosim.ops._bits_kernel import pack_loop
from neurosim.sim.kernels import conv, linear, pack_weights
from neurosim.sim.kernels.events import bit_frames
from neurosim.threads import spread

Call = Callable[[], object]
SWEEP = (0.12, 0.15, 0.18, 0.22)


@dataclass(frozen=True)
class Case:
    """One layer and one kind of activity. ``size`` is height = width; 0: a linear layer of
    ``samples`` rows.
    """

    layer: str
    channels: int
    size: int
    kernel: int
    samples: int
    density: float
    clustered: bool
    target: float

    @property
    def name(self) -> str:
        where = f"@{self.size}" if self.size else f" rows {self.samples}"
        return (
            f"{self.layer} {self.channels}{where} {'clustered' if self.clustered else 'bernoulli'}"
        )


def cases() -> list[Case]:
    """The list of the README: 3×3 at 10 % and 2 %, depthwise 5×5, 1×1 and linear at 5 %."""
    convs = [
        Case("conv3x3", channels, size, 3, 16, density, clustered, 1.5 if density == 0.1 else 3.0)
        for channels, size in ((64, 56), (128, 28), (256, 28), (512, 14))
        for density in (0.1, 0.02)
        for clustered in (False, True)
    ]
    others = [
        Case(layer, channels, size, kernel, 16, 0.05, clustered, 1.0)
        for layer, kernel in (("depthwise5x5", 5), ("conv1x1", 1))
        for channels, size in ((64, 56), (128, 28), (256, 28), (512, 14))
        for clustered in (False, True)
    ]
    matrices = [
        Case("linear", c, 0, 1, rows, 0.05, False, 1.0) for c in (512, 2048) for rows in (16, 3136)
    ]
    return convs + others + matrices


def spikes(rng: np.random.Generator, case: Case) -> np.ndarray:
    """{0, 1} activity; clustered: a coarse random field, interpolated and cut at the quantile of
    the density.
    """
    if not case.size:
        return (rng.random((case.samples, case.channels)) < case.density).astype(np.float32)
    shape = (case.samples, case.channels, case.size, case.size)
    if not case.clustered:
        return (rng.random(shape) < case.density).astype(np.float32)
    coarse = rng.standard_normal((*shape[:2], max(2, case.size // 7), max(2, case.size // 7)))
    field = F.interpolate(torch.from_numpy(coarse), shape[2:], mode="bilinear").numpy()
    return (field > np.quantile(field, 1 - case.density)).astype(np.float32)


def torch_calls(case: Case, x: np.ndarray, weight: np.ndarray) -> dict[str, Call]:
    """The dense layer in each layout."""
    dense, kernel = torch.from_numpy(x), torch.from_numpy(weight)
    if not case.size:
        return {"contiguous": partial(F.linear, dense, kernel)}
    groups = case.channels if case.layer.startswith("depthwise") else 1
    return {
        name: partial(
            F.conv2d,
            dense.contiguous(memory_format=layout),
            kernel.contiguous(memory_format=layout),
            padding=case.kernel // 2,
            groups=groups,
        )
        for name, layout in (
            ("contiguous", torch.contiguous_format),
            ("channels_last", torch.channels_last),
        )
    }


def event_call(case: Case, x: np.ndarray, weight: np.ndarray, layout: str) -> Call:
    """The event kernel on the same numbers in the same layout."""
    if not case.size:
        return partial(linear, x, pack_weights(weight), spike=1.0)
    groups = case.channels if case.layer.startswith("depthwise") else 1
    if layout == "channels_last":
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    return partial(conv, x, pack_weights(weight, groups), padding=case.kernel // 2, spike=1.0)


def weight_of(rng: np.random.Generator, case: Case) -> np.ndarray:
    """Weights on a grid of 2⁻⁸, so that both engines must agree to the last bit."""
    inputs = 1 if case.layer.startswith("depthwise") else case.channels
    shape = (
        (case.channels, inputs, case.kernel, case.kernel) if case.size else (case.channels, inputs)
    )
    return rng.integers(-127, 128, shape).astype(np.float32) / 256


def bit_call(case: Case, x: np.ndarray, weight: np.ndarray) -> Call:
    """The event kernel on the same spikes as bits, channels innermost."""
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    bits = Bits.empty((1, *x.shape), (*range(1, x.ndim - 1), 0))
    spread(pack_loop, len(last), 0, last.reshape(len(last), -1), bits.words)
    frames = bit_frames(bits)
    assert frames is not None
    packed = pack_weights(weight, case.channels if case.layer.startswith("depthwise") else 1)
    return partial(conv, frames, packed, padding=case.kernel // 2 if case.size else 0, spike=1.0)


def measure(case: Case, pairs: int, seed: int = 0) -> list[Row]:
    """Warm up, check bit-equality, then time torch, events from float32 and events from bits."""
    rng = np.random.default_rng(seed)
    x, weight = spikes(rng, case), weight_of(rng, case)
    dense = torch_calls(case, x, weight)
    layout = min(dense, key=lambda name: min(seconds(dense[name]) for _ in range(4)))
    calls = {"torch": dense[layout], "event": event_call(case, x, weight, layout)}
    np.testing.assert_array_equal(calls["event"](), np.asarray(calls["torch"]()))
    calls["bits"] = bit_call(case, x, weight)
    times = interleaved(calls, pairs)
    fan_out = weight.size // case.channels  # borders counted as existing
    found = []
    for kind in list(calls)[1:]:
        best = min(times[kind])
        rate = np.count_nonzero(x) * fan_out / best / 1e9
        name = f"{case.name} {case.density:.0%}" + (" bits" if kind == "bits" else "")
        made = row(name, "speed-up", times[kind], f"torch, {layout}", times["torch"],
                   f">= {case.target}", f"{rate:.1f} GSynOp/s")  # fmt: skip
        found.append(made)
    return found


def break_even(case: Case, pairs: int) -> Row:
    """The largest density of a sweep at which events (as bits) are still faster."""
    best, note = 0.0, []
    for density in SWEEP:
        made = measure(replace(case, density=density), pairs)[-1]
        note.append(f"{density:.0%}: {made.ratio:.2f}")
        if made.ratio < 1:
            break
        best = density
    return Row(f"{case.name} break-even", "torch", "density", best, ">= 0.15", note=", ".join(note))


def of_peak(rows: Sequence[Row]) -> Row:
    """3×3 kernels at 10 %: the least share of the cores' measured add rate."""
    peak = adds_per_second(THREADS)
    rates = [float(r.note.split()[0]) for r in rows if "conv3x3" in r.case and " 10%" in r.case]
    share = min(rates) * 1e9 / peak
    return Row("conv3x3 at 10 %, least of all", f"adds, {peak / 1e9:.0f} G/s", "of peak", share,
               ">= 0.35", note=f"{min(rates):.1f} to {max(rates):.1f} GSynOp/s")  # fmt: skip


def rows(pairs: int, only: str) -> Iterator[Row]:
    """The table."""
    torch.set_num_threads(THREADS)
    found: list[Row] = []
    with torch.inference_mode():
        for case in cases():
            if only in case.name:
                made = measure(case, pairs)
                found += made
                yield from made
        for case in cases():
            if case.kernel == 3 and case.density == 0.1 and only in case.name:
                yield break_even(case, max(3, pairs // 2))
    if not only:
        yield of_peak(found)


if __name__ == "__main__":
    main(rows, __doc__)
