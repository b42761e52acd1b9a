"""Event kernels against torch's fastest dense kernel: interleaved pairs, same input, compression
included.

torch is timed contiguous and channels-last and the faster of the two counts; the event kernel gets
its input in that same layout. Run: ``python benchmarks/kernels.py [--pairs 9] [--threads 2] [--json
FILE] [--only TEXT]``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numba
import numpy as np
import torch
import torch.nn.functional as F

from neurosim.sim.kernels import conv, linear, pack_weights

Call = Callable[[], object]


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


@dataclass(frozen=True)
class Result:
    """Medians over the pairs; ``ratio`` is the median of torch / event, with its quartiles."""

    case: str
    density: float
    torch_layout: str
    torch_ms: float
    event_ms: float
    ratio: float
    low: float
    high: float
    target: float
    giga_synaptic_operations_per_second: float


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


def seconds(call: Call) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


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


def measure(case: Case, pairs: int, seed: int = 0) -> Result:
    """Warm up, check bit-equality, then time torch and events in turn."""
    rng = np.random.default_rng(seed)
    x, weight = spikes(rng, case), weight_of(rng, case)
    dense = torch_calls(case, x, weight)
    layout = min(dense, key=lambda name: min(seconds(dense[name]) for _ in range(4)))
    event = event_call(case, x, weight, layout)
    np.testing.assert_array_equal(event(), np.asarray(dense[layout]()))
    timed = [(seconds(dense[layout]), seconds(event)) for _ in range(pairs)]
    ratios = sorted(d / e for d, e in timed)
    event_s = statistics.median(e for _, e in timed)
    fan_out = weight.size // case.channels  # borders counted as existing
    return Result(
        case.name,
        float(np.count_nonzero(x) / x.size),
        layout,
        1e3 * statistics.median(d for d, _ in timed),
        1e3 * event_s,
        statistics.median(ratios),
        ratios[pairs // 4],
        ratios[-1 - pairs // 4],
        case.target,
        np.count_nonzero(x) * fan_out / event_s / 1e9,
    )


def row(result: Result) -> str:
    """One line of the table."""
    verdict = "ok" if result.ratio >= result.target else "below"
    return (
        f"{result.case:28} {result.density:6.1%} {result.torch_layout:14} {result.torch_ms:8.2f} "
        f"{result.event_ms:8.2f} {result.ratio:6.2f} [{result.low:.2f}, {result.high:.2f}] "
        f"{result.giga_synaptic_operations_per_second:7.1f} {result.target:5.1f} {verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=min(2, numba.config.NUMBA_NUM_THREADS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    numba.set_num_threads(chosen.threads)
    torch.set_num_threads(chosen.threads)
    print(
        f"{'case':28} {'active':>6} {'torch layout':14} {'torch ms':>8} {'event ms':>8}"
        "  ratio [quartiles] GSynOp/s target"
    )
    results = []
    with torch.inference_mode():
        for case in cases():
            if chosen.only in case.name:
                results.append(measure(case, chosen.pairs))
                print(row(results[-1]), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(result) for result in results], indent=1))


if __name__ == "__main__":
    main()
