"""Memory above the model's own forward; growth of cost and memory with steps, pixels, minutes.

Memory is the peak of a fresh process each (VmHWM). Exponents are log(time ratio) / log 4 over a
fourfold range, from the least of several goes. Streams are rendered as they are read.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

import neurosim as ns
from benchmarks.common import THREADS, Row, main, seconds
from benchmarks.networks import build, events

SIZE, STEPS, BATCH = 128, 50, 4
FRAMES_A_SECOND = 30


def captured(name: str, size: int) -> ns.Graph:
    """The lowered graph."""
    return ns.lower(ns.capture(build(name, size), events(4, 1, size), kind="spike"))


def peak(*arguments: str) -> float:
    """Peak resident MB of a fresh process that does one thing."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--child", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.strip().splitlines()[-1])


def frames(number: int, size: int, channels: int) -> Iterator[torch.Tensor]:
    """A stream of so many frames, 30 at a time; moving texture, thresholded for events."""
    generator = torch.Generator().manual_seed(0)
    base = torch.rand(channels, size, size, generator=generator)
    for first in range(0, number, 30):
        shifts = range(first, min(first + 30, number))
        piece = torch.stack([base.roll((k, 2 * k), (1, 2)) for k in shifts])[:, None]
        yield (piece > 0.95).float() if channels == 2 else (piece - 0.45) / 0.225


def child(what: str, name: str, path: str, amount: str) -> None:
    """Do one thing once, and print the process's peak."""
    torch.set_num_threads(THREADS)
    if what == "forward":
        with torch.no_grad():
            build(name, SIZE)(events(STEPS, BATCH, SIZE))
    elif what == "simulate":
        ns.simulate(ns.load_graph(path), events(STEPS, BATCH, SIZE))
    else:
        graph = ns.load_graph(path)
        stepwise = name == "stepped"
        stream = frames(round(float(amount) * 60 * FRAMES_A_SECOND), 64, 2 if stepwise else 3)
        ns.simulate(graph, stream, window=None if stepwise else graph.steps)
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def above_forward(place: Path) -> list[Row]:
    """Peak of simulating over that of the forward."""
    found = []
    for name in ("stepped", "folded"):
        path = place / f"{name}.npz"
        captured(name, SIZE).save(path)
        forward, ours = (peak(what, name, str(path), "0") for what in ("forward", "simulate"))
        case = f"conv SNN {SIZE}x{SIZE}, T={STEPS}, B={BATCH}"
        found.append(Row(case, f"its own forward, {name}", "MB above", ours - forward, "<= 50",
                         note=f"{ours:.0f} beside {forward:.0f} MB"))  # fmt: skip
    return found


def exponents(pairs: int) -> list[Row]:
    """Growth over fourfold steps, and over fourfold pixels."""

    def least(graph: ns.Graph, steps: int, size: int) -> float:
        clip = events(steps, 2, size)
        return min(seconds(lambda: ns.simulate(graph, clip)) for _ in range(max(3, pairs)))

    graphs = {size: captured("folded", size) for size in (64, 128)}
    steps = [least(graphs[64], n, 64) for n in (32, 128)]
    pixels = [least(graphs[size], 32, size) for size in (64, 128)]
    return [
        Row(f"time over {what}", "fourfold", "exponent", math.log(b / a, 4), "<= 1.05",
            ours_s=b, peer_s=a)
        for what, (a, b) in (("steps 32 to 128", steps), ("pixels 64x64 to 128x128", pixels))
    ]  # fmt: skip


def streams(place: Path) -> list[Row]:
    """Peak after twenty minutes over that after one, unbroken and in windows."""
    path, tiny = place / "stream.npz", place / "tiny.npz"
    captured("stepped", 64).save(path)
    model = ns.models.load("svformer_tiny")
    ns.lower(ns.capture(model, torch.randn(16, 1, 3, 64, 64))).save(tiny)
    found = []
    for name, graph, long in (("stepped", path, 20.0), ("svformer_tiny", tiny, 20.0)):
        one, twenty = (peak("stream", name, str(graph), str(m)) for m in (1.0, long))
        how = "unbroken" if name == "stepped" else "in windows of 16"
        case, note = f"stream 64x64, {name}, {how}", f"{twenty:.0f} and {one:.0f} MB"
        found.append(Row(case, f"{long:g} minutes over one", "memory", twenty / one, "<= 1.05",
                         note=note))  # fmt: skip
    return found


def rows(pairs: int, only: str) -> Iterator[Row]:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        parts = {"memory": lambda: above_forward(place), "time": lambda: exponents(pairs),
                 "stream": lambda: streams(place)}  # fmt: skip
        for name, part in parts.items():
            if only in name:
                yield from part()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--child", nargs=4)
    asked, _ = parser.parse_known_args()
    if asked.child:
        child(*asked.child)
    else:
        main(rows, __doc__)
