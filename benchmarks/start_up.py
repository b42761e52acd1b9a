"""Start-up times in fresh processes beside ``import numpy``, and the time to price a saved run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

import neurosim as ns
from neurosim.hardware import profiles

REPEATS = 7
COMMANDS = {
    "import numpy": ["-c", "import numpy"],
    "import neurosim": ["-c", "import neurosim"],
    "neurosim --help": ["-m", "neurosim", "--help"],
    "neurosim profiles": ["-m", "neurosim", "profiles"],
}


def seconds(action: Callable[[], object]) -> float:
    """The best of several runs."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - start)
    return best


def run(arguments: list[str]) -> None:
    """One fresh interpreter."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def price_everywhere(counted: ns.Run) -> None:
    """One run on every profile that has prices of its own."""
    for name in profiles():
        if name != "loihi2":  # no public prices: it names proxies
            ns.price(counted, name)


def main() -> None:
    """Print a line a command, with its ratio to ``import numpy``."""
    found = {name: seconds(lambda a=arguments: run(a)) for name, arguments in COMMANDS.items()}
    for name, value in found.items():
        ratio = value / found["import numpy"]
        print(f"{name:20} {value:6.3f} s  {ratio:5.2f} × import numpy")
    model = ns.models.load("svformer_tiny")
    clip = np.random.default_rng(0).random((16, 1, 3, 64, 64), np.float32)
    counted = ns.estimate(model, clip, rates=0.1).run
    print(f"{'price, all profiles':20} {seconds(lambda: price_everywhere(counted)):6.3f} s")


if __name__ == "__main__":
    main()
