"""A child that hangs is started again, one that fails says why, and none outlives its time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from neurosim.errors import SimulationError
from neurosim.exchange.lava import run

HANGS_ONCE = """
import pathlib, sys, time
place = pathlib.Path(sys.argv[1])
if not (place / "tried").exists():
    (place / "tried").touch()
    time.sleep(60)
(place / "done").touch()
"""
FAILS = 'import sys; sys.exit("no such process model")'
HANGS = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(60)"


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def of(code: str) -> Path:
        (tmp_path / "stand_in.py").write_text(code)
        monkeypatch.setattr(run, "CHILD", "stand_in")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return tmp_path

    return of


def test_a_child_that_stands_still_is_started_again(child) -> None:
    begun = time.monotonic()
    run._run_child(child(HANGS_ONCE), 8.0)
    assert time.monotonic() - begun < 8.0


def test_a_failure_is_told(child) -> None:
    with pytest.raises(SimulationError, match="Lava failed: no such process model"):
        run._run_child(child(FAILS), 20.0)


def test_a_child_that_always_hangs_is_ended_in_time(child) -> None:
    place = child(HANGS)
    with pytest.raises(SimulationError, match="not done after 1.5 s"):
        run._run_child(place, 1.5)
    said = (place / "said").read_text().split()
    if said:  # it may not have come so far
        gone = subprocess.run(
            [sys.executable, "-c", f"import os; os.kill({said[0]}, 0)"], capture_output=True
        )
        assert gone.returncode != 0
