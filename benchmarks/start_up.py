"""Start-up times in fresh processes beside ``import numpy``, and the time to price a saved run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import neurosim as ns
from benchmarks.common import Row, interleaved, main, row, seconds
from neurosim.hardware import profiles

COMMANDS = {
    "import numpy": ["-c", "import numpy"],
    "import neurosim": ["-c", "import neurosim"],
    "neurosim --help": ["-m", "neurosim", "--help"],
    "neurosim profiles": ["-m", "neurosim", "profiles"],
}
STARTS = {"import neurosim": "<= 2", "neurosim --help": "", "neurosim profiles": ""}


def run(arguments: list[str]) -> None:
    """One fresh interpreter."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def price_everywhere(counted: ns.Run) -> None:
    """One run on every profile that has prices of its own."""
    for name in profiles():
        if name != "loihi2":  # no public prices: it names proxies
            ns.price(counted, name)


def rows(pairs: int, only: str) -> list[Row]:
    """A row a command, against ``import numpy``; first calls with a cache empty, then warm."""
    calls = {name: (lambda a=arguments: run(a)) for name, arguments in COMMANDS.items()}
    times = interleaved(calls, pairs)
    found = [row(name, "share", times[name], "import numpy", times["import numpy"], STARTS[name])
             for name in list(COMMANDS)[1:]]  # fmt: skip
    model = ns.models.load("svformer_tiny")
    clip = np.random.default_rng(0).random((16, 1, 3, 64, 64), np.float32)
    counted = ns.estimate(model, clip, rates=0.1).run
    best = min(seconds(lambda: price_everywhere(counted)) for _ in range(pairs))
    found.append(Row("price a run on all profiles", "", "seconds", best, ours_s=best))
    with tempfile.TemporaryDirectory() as empty:
        cold = {"NUMBA_CACHE_DIR": empty}
        first, second = (first_call(cold) for _ in range(2))
    found.append(Row("first simulate, kernels not compiled", "", "seconds", first, "<= 10"))
    found.append(Row("first simulate of a process, compiled before", "", "seconds", second, "<= 1"))
    return found


FIRST = """
import sys, time
import numpy as np
import torch
import neurosim as ns
graph = ns.load_graph(sys.argv[1])
clip = torch.from_numpy(np.random.default_rng(0).random((16, 1, 3, 64, 64), np.float32))
import neurosim.sim.simulate
begin = time.perf_counter()
ns.simulate(graph, clip)
print(time.perf_counter() - begin)
"""


def first_call(environment: dict[str, str]) -> float:
    """Seconds of the first ``simulate`` of svformer_tiny in a fresh process."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "graph.npz"
        model = ns.models.load("svformer_tiny")
        ns.lower(ns.capture(model, torch.randn(16, 1, 3, 64, 64))).save(path)
        done = subprocess.run([sys.executable, "-c", FIRST, str(path)], check=True, text=True,
                              capture_output=True, env=os.environ | environment)  # fmt: skip
    return float(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main(rows, __doc__)
