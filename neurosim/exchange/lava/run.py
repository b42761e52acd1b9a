"""Runs a plan in a process of its own, under a time limit: Lava can hang without a word.

The child imports no torch (torch inside Lava's processes hangs, as Lava's own source says); clips
and spikes travel in memory-mapped files.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurosim.errors import SimulationError
from neurosim.exchange.lava.plan import Plan, aligned

CHILD = "neurosim.exchange.lava.child"
BEAT, POLL_SECONDS = "beat", 0.2  # a file that every sink touches at every step


def run_plan(
    plan: Plan, sources: Mapping[str, np.ndarray], timeout_seconds: float
) -> dict[str, np.ndarray]:
    """Spikes of each neuron node as Lava emitted them: uint8 (steps + depth, *Lava's shape).

    ``sources``: (steps, *Lava's shape) by source node. Raises SimulationError: Lava failed, or was
    not done in time.
    """
    _, depth = aligned(plan)
    with tempfile.TemporaryDirectory(prefix="neurosim-lava-") as folder:
        place = Path(folder)
        plan.save(place / "plan.npz")
        for i, name in enumerate(plan.sources):
            np.save(place / f"source{i}.npy", sources[name])
        for i, name in enumerate(plan.neurons):
            shape = (plan.steps + depth[name], *plan.by_name[name].shape)
            np.save(place / f"sink{i}.npy", np.zeros(shape, np.uint8))
        _run_child(place, timeout_seconds)
        return {n: np.load(place / f"sink{i}.npy") for i, n in enumerate(plan.neurons)}


def _run_child(place: Path, timeout_seconds: float) -> None:
    """Start it again where it has stood still for a quarter of the time: Lava can hang."""
    end = time.monotonic() + timeout_seconds
    while not (place / "done").exists():
        code = _attempt(place, end, timeout_seconds / 4)
        if code is not None and not (place / "done").exists():
            lines = (place / "said").read_text(errors="replace").strip().splitlines()
            said = lines[-1] if lines else f"exit code {code}"
            raise SimulationError(f"Lava failed: {said}")
        if code is None and time.monotonic() >= end:
            raise SimulationError(
                f"Lava was not done after {timeout_seconds:g} s; give it longer with --timeout, "
                "or map less with --until"
            )


def _attempt(place: Path, end: float, patience: float) -> int | None:
    """The exit code of one child; None: it was ended, late or without a sign of life."""
    beat = place / BEAT
    beat.touch()
    with open(place / "said", "wb") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", CHILD, str(place)],
            stdout=said,
            stderr=said,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        )
        try:
            while time.monotonic() < end and time.time() - beat.stat().st_mtime < patience:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return child.wait(min(POLL_SECONDS, max(end - time.monotonic(), 0.0)))
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # Lava's processes, which may outlive it
            child.wait()
