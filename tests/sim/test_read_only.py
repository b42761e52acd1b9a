"""Compiled kernels are kept in the user's folder where the package cannot be written to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import numpy as np
from neurosim.sim import kernels
from neurosim.sim.kernels.gather import gather_loop
x = np.ones((1, 16, 4, 4), np.float32)
kernels.conv(x, np.ones((16, 16, 3, 3), np.float32), padding=1, spike=1.0)
print(sum(gather_loop.stats.cache_hits.values()), sum(gather_loop.stats.cache_misses.values()))
"""
MOUNT = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && ! touch "$1/x" 2>/dev/null'


def in_read_only(
    folder: Path, *command: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run where ``folder`` is a read-only mount (permissions alone do not hold root back)."""
    script = f'{MOUNT} && shift && exec "$@"'
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(folder), *command],
        env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True,
        cwd=folder,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to mount read-only")
def test_the_second_process_compiles_nothing(tmp_path: Path) -> None:
    site, home = tmp_path / "site", tmp_path / "home"
    home.mkdir()
    shutil.copytree(ROOT / "neurosim", site / "neurosim",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    if in_read_only(site, "true").returncode:
        pytest.skip("mounting is not allowed here")
    found = []
    for _ in range(2):
        done = in_read_only(site, sys.executable, "-c", RUN, PYTHONPATH=str(site), HOME=str(home))
        assert not done.returncode, done.stderr
        found.append([int(number) for number in done.stdout.split()])
    assert found == [[0, 1], [1, 0]]
    assert not list(site.rglob("*.nbc"))
    assert list(home.rglob("*.nbc"))
