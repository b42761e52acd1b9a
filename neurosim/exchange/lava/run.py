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
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neurosim.errors import SimulationError
from neurosim.exchange.lava.plan import Plan, aligned

CHILD = "neurosim.exchange.lava.child"


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
    with open(place / "said", "wb") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", CHILD, str(place)],
            stdout=said,
            stderr=said,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        )
        try:
            code: int | None = child.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # Lava's processes, which may outlive it
            child.wait()
    if (place / "done").exists():
        return
    lines = (place / "said").read_text(errors="replace").strip().splitlines()
    if code is None:
        raise SimulationError(
            f"Lava was not done after {timeout_seconds:g} s; give it longer with --timeout, or map "
            "less with --until"
        )
    raise SimulationError(f"Lava failed: {lines[-1] if lines else f'exit code {code}'}")
