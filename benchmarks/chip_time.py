"""Energy and step times of networks on a chip against SANA-FE's own runs of them.

The same spikes, synapses and cores (``chip_networks``); SANA-FE (GPL-3) runs as a separate program.
``python -m benchmarks.chip_time record FILE`` writes its figures for the tests, which check against
them where it is not installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

import neurosim as ns
from benchmarks.chip_networks import (
    NETWORKS,
    ChipNetwork,
    clip,
    dvs_gesture,
    graph_of,
    write_spec,
)
from benchmarks.common import Row, main

VERSION = "2.2.9"
CYCLE_STEPS = 10, 40  # the seconds between them are those of steps, without what begins a run
GOES = 5  # the first compiles
CHIP = "loihi1_sanafe"
HOW = "python -m benchmarks.chip_time record FILE, sanafe on PYTHONPATH; its loihi.yaml"


@dataclass(frozen=True)
class Ours:
    """What neurosim says of a network, and the processor's seconds from the clip to the step times:
    its simulation included, as it is in SANA-FE's.
    """

    joules: float
    simple: float
    detailed: float
    counts: dict[str, int]
    cpu_simple: float
    cpu_detailed: float


def ours(network: ChipNetwork) -> Ours:
    """Simulated, placed as told, priced and timed at both levels."""
    graph, given = graph_of(network), torch.from_numpy(clip(network))
    begin = time.process_time()
    run = ns.simulate(graph, given, record="spikes", updates=True)
    placed = ns.place(graph, CHIP, manual=network.manual, encoding=network.encodings, strict=False)
    simple = placed.seconds(run)
    middle = time.process_time()
    slower = replace(placed, level="detailed", _known={})
    slower._known.update({k: v for k, v in placed._known.items() if v[1] == "traffic"})
    detailed = slower.seconds(run)
    end = time.process_time()
    rules: dict[str, Any] = {"other_arithmetic": "none"}  # two layers' currents add up in a neuron
    if "sparse" in network.encodings.values():
        rules["zero_weights"] = "skip"  # lists hold no zeros
    report = ns.price(run, CHIP, placed, **rules)
    total = run.counts.total
    counts = {
        "neurons_fired": total("spike"), "neurons_updated": total("neuron_updated"),
        "spikes": sum(int(v.full.sum()) for v in placed.on_traffic(run).synapses.values()),
        "packets_sent": sum(n for (_, e), n in placed.traffic(run).items() if e == "message"),
    }  # fmt: skip
    return Ours(report.joules, simple, detailed, counts, middle - begin, end - begin)


def sanafe(network: ChipNetwork, level: str, steps: int | None = None) -> dict[str, Any]:
    """SANA-FE's run, in its own process. Raises RuntimeError: absent, or failed."""
    script = Path(__file__).with_name("peer_sanafe_chip.py")
    with tempfile.TemporaryDirectory() as place:
        spec = write_spec(network, Path(place) / "spec.npz")
        command = [sys.executable, str(script), str(spec), "--steps", str(steps or network.steps),
                   "--level", level]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def shipped() -> Path | None:
    """The DVS network's file in an installed SANA-FE, found without importing it."""
    found = importlib.util.find_spec("sanafe")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "examples" / "dvs_challenge.npz"
    return path if path.exists() else None


def networks() -> Iterator[ChipNetwork]:
    """All of them; the packaged one last, where it is at hand."""
    for make in NETWORKS.values():
        yield make()
    path = shipped()
    if path is not None:
        yield dvs_gesture(path)


def rows(pairs: int, only: str) -> Iterator[Row]:
    """Errors of each network, their median and worst, and the time that both take."""
    if shipped() is None:
        print("sanafe: not installed", file=sys.stderr)
        return
    torch.set_num_threads(1)  # as theirs
    off: list[float] = []
    for network in networks():
        if only in network.name:
            yield from _of(network, off)
    if off:
        peer, figure = "SANA-FE detailed", "error"
        yield Row("detailed step times, median", peer, figure, statistics.median(off), "<= 0.01")
        yield Row("detailed step times, worst", peer, figure, max(off), "<= 0.03")


def cycle_seconds(network: ChipNetwork) -> float:
    """Of the processor, for a step in SANA-FE's cycle mode."""
    short, long = (sanafe(network, "cycle", steps)["cpu"] for steps in CYCLE_STEPS)
    return (long - short) / (CYCLE_STEPS[1] - CYCLE_STEPS[0])


def _of(network: ChipNetwork, off: list[float]) -> Iterator[Row]:
    goes = [ours(network) for _ in range(GOES)]
    mine, theirs = min(goes, key=lambda o: o.cpu_detailed), sanafe(network, "simple")
    detailed = sanafe(network, "detailed")
    cycle = cycle_seconds(network)
    energy = abs(mine.joules / theirs["energy"]["total"] - 1)
    off.append(abs(mine.detailed / detailed["sim_time"] - 1))
    yield Row(network.name, "SANA-FE energy", "error", energy, "<= 1e-9")
    simple = abs(mine.simple / theirs["sim_time"] - 1)
    yield Row(network.name, "SANA-FE simple", "error", simple, "<= 1e-6")
    yield Row(network.name, "SANA-FE detailed", "error", off[-1], "<= 0.03")
    for level, cpu in (("simple", mine.cpu_simple), ("detailed", mine.cpu_detailed)):
        each = cpu / network.steps
        yield Row(f"{network.name}, a step, {level}", "SANA-FE cycle", "speed-up", cycle / each,
                  ">= 100", ours_s=each, peer_s=cycle)  # fmt: skip


def record(path: Path) -> None:
    """SANA-FE's figures of every network, and ours beside them."""
    runs: dict[str, Any] = {}
    for network in networks():
        mine, simple = ours(network), sanafe(network, "simple")
        kept = {k: simple[k] for k in mine.counts}
        runs[network.name] = {
            "steps": network.steps, "joules": simple["energy"]["total"], **kept,
            "simple_s": simple["sim_time"],
            "detailed_s": sanafe(network, "detailed")["sim_time"],
            "ours": {"joules": mine.joules, "simple_s": mine.simple, "detailed_s": mine.detailed},
        }  # fmt: skip
        print(network.name, runs[network.name], flush=True)
        path.write_text(json.dumps({"simulator": f"SANA-FE {VERSION}", "how": HOW, "runs": runs},
                                   indent=1) + "\n")  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if sys.argv[1:2] == ["record"]:
        record(Path(sys.argv[2]))
    else:
        main(rows, __doc__)
