"""What all benchmarks share: rows with a ratio and a bar, interleaved pairs, machine facts."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neurosim.ir.manifest import versions

Call = Callable[[], Any]
THREADS = 2


@dataclass(frozen=True)
class Row:
    """One comparison. ``ratio``: the median over pairs of ``figure``, with its quartiles; ``bar``:
    what it must be, ">= 1.5" or "<= 0.6", empty where nothing was promised.

    ``figure``: "speed-up" (their seconds over ours) or "share" (ours over theirs), or the name of a
    figure that is no time at all.
    """

    case: str
    peer: str
    figure: str
    ratio: float
    bar: str = ""
    low: float | None = None
    high: float | None = None
    ours_s: float | None = None
    peer_s: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without one."""
        if not self.bar:
            return None
        sign, number = self.bar.split()
        return self.ratio >= float(number) if sign == ">=" else self.ratio <= float(number)


def seconds(call: Call) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def interleaved(calls: Mapping[str, Call], pairs: int) -> dict[str, list[float]]:
    """Every call once a round, in turn, after one round that warms up."""
    for call in calls.values():
        call()
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(pairs):
        for name, call in calls.items():
            found[name].append(seconds(call))
    return found


def fastest(times: Mapping[str, Sequence[float]], names: Sequence[str]) -> str:
    """The name with the least median."""
    return min(names, key=lambda name: statistics.median(times[name]))


def row(
    case: str,
    figure: str,
    ours: Sequence[float],
    peer: str,
    theirs: Sequence[float],
    bar: str = "",
    note: str = "",
) -> Row:
    """A row from the seconds of interleaved pairs."""
    pairs = zip(ours, theirs, strict=True)
    ratios = sorted(t / o if figure == "speed-up" else o / t for o, t in pairs)
    quarter = len(ratios) // 4
    return Row(
        case, peer, figure, statistics.median(ratios), bar, ratios[quarter], ratios[-1 - quarter],
        statistics.median(ours), statistics.median(theirs), note,
    )  # fmt: skip


def machine() -> dict[str, Any]:
    """Processor, threads, load and versions."""
    try:
        cpu = next(
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        )
    except (OSError, StopIteration):
        cpu = platform.processor()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": THREADS,
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": versions(),
    }


def commit() -> str:
    """The commit that was measured."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def line(r: Row) -> str:
    """A row as people read it."""
    verdict = {None: "", True: "ok", False: "MISSED"}[r.met]
    span = f"[{r.low:.3g}, {r.high:.3g}]" if r.low is not None and r.high is not None else ""
    times = "" if r.ours_s is None else f"{1e3 * r.ours_s:9.2f}"
    times += "" if r.peer_s is None else f" {1e3 * r.peer_s:9.2f} ms"
    return (
        f"{r.case:44} {r.peer:34} {r.figure:10} {r.ratio:8.3g} {span:16} {r.bar:8} {verdict:7}"
        f"{times} {r.note}"
    ).rstrip()


def main(rows: Callable[[int, str], Iterable[Row]], about: str | None) -> None:
    """Command line of one benchmark: ``--pairs``, ``--only TEXT``, ``--json FILE``."""
    import torch

    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    found: list[Row] = []
    for r in rows(given.pairs, given.only):
        found.append(r)
        print(line(r), flush=True)
    if given.json:
        given.json.write_text(json.dumps([asdict(r) for r in found], indent=1))
