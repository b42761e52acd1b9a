"""Simulating with every count against PyTorch merely running the model, interleaved in one process;
peaks apart.

    python benchmarks/simulate.py [--pairs 7] [--model svformer] [--json FILE]

The model's forward is the fastest of {contiguous, channels_last} eager. Peak memory is taken in
fresh processes: one that
runs the model once, one that simulates the saved, lowered graph once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import neurosim as ns


def clip_of(name: str) -> torch.Tensor:
    """A seeded clip of the model's recipe: [T, 1, C, H, W]."""
    recipe = ns.models.card(name).recipe
    generator = torch.Generator().manual_seed(0)
    channels = 2 if recipe.channels == "events" else 3
    clip = torch.randn(recipe.frames, 1, channels, *recipe.size, generator=generator)
    return (clip > 1.2).float() if recipe.channels == "events" else clip


def seconds(run: Callable[[], Any]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def pairs(runs: dict[str, Callable[[], Any]], number: int) -> dict[str, list[float]]:
    """Every run once a round, in turn, after one warm-up round."""
    for run in runs.values():
        run()
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(number):
        for name, run in runs.items():
            found[name].append(seconds(run))
    return found


def channels_last(name: str, clip: torch.Tensor) -> tuple[torch.nn.Module, torch.Tensor]:
    """The model with 2-D kernels, and the clip with frames, in channels-last memory order."""
    model = ns.models.load(name)
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(memory_format=torch.channels_last)
    folded = clip.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return model, folded.unflatten(0, clip.shape[:2])


def compare(name: str, number: int) -> dict[str, Any]:
    """Medians and the ratio simulate / fastest eager forward, pair by pair."""
    clip, model = clip_of(name), ns.models.load(name)
    last, frames = channels_last(name, clip)
    kind = "spike" if ns.models.card(name).recipe.channels == "events" else "real"
    graph = ns.lower(ns.capture(model, clip, kind=kind))
    with torch.no_grad():
        times = pairs(
            {
                "forward": lambda: model(clip),
                "forward_channels_last": lambda: last(frames),
                "simulate": lambda: ns.simulate(graph, clip),
            },
            number,
        )
    fastest = min(("forward", "forward_channels_last"), key=lambda k: statistics.median(times[k]))
    ratios = [s / f for s, f in zip(times["simulate"], times[fastest], strict=True)]
    return {
        "model": name,
        "medians_s": {k: round(statistics.median(v), 4) for k, v in times.items()},
        "fastest_forward": fastest,
        "ratio": round(statistics.median(ratios), 3),
        "threads": torch.get_num_threads(),
        "peak_mb": peaks(name, graph),
    }


def peaks(name: str, graph: Any) -> dict[str, float]:
    """Peak resident memory of a fresh process each, MB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.npz"
        graph.save(path)
        return {what: _child(what, name, path) for what in ("forward", "simulate")}


def _child(what: str, name: str, path: Path) -> float:
    done = subprocess.run(
        [sys.executable, __file__, "--child", what, "--model", name, "--graph", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.strip().splitlines()[-1])


def child(what: str, name: str, path: str) -> None:
    """Do one thing once and print the process's peak."""
    clip = clip_of(name)
    if what == "forward":
        model = ns.models.load(name)
        with torch.no_grad():
            model(clip)
    else:
        ns.simulate(ns.load_graph(path), clip)
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--model", action="append")
    parser.add_argument("--json")
    parser.add_argument("--child")
    parser.add_argument("--graph")
    options = parser.parse_args()
    names = options.model or ["svformer_tiny", "svformer"]
    if options.child:
        child(options.child, names[0], options.graph)
        return
    rows = [compare(name, options.pairs) for name in names]
    for row in rows:
        print(json.dumps(row))
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
