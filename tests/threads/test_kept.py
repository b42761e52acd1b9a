"""Compiled loops come from the disk cache without numba's compiler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

LOOP = """
import numpy as np

from neurosim.threads._fork import compiled, fork, roomy_body


@roomy_body
def double(first, last, x, out):
    room = np.empty(2, np.float64)
    for k in range(first, last):
        room[0] = x[k]
        out[k] = 2 * room[0]


@compiled
def double_loop(start, threads, tasks, chunk, args):
    return fork(double, start, threads, tasks, chunk, args)
"""
RUN = """
import json, sys
import numpy as np
from neurosim.threads import spread
from looped import double_loop

out = np.zeros(5, np.{kind})
spread(double_loop, 5, 0, np.arange(5, dtype=np.{kind}), out)
loaded = [m for m in ("numba.np.arraymath", "scipy.linalg", "torch") if m in sys.modules]
print(json.dumps([out.tolist(), loaded, sum(double_loop.stats.cache_hits.values())]))
"""


def run(folder: Path, kind: str = "float64") -> list[object]:
    """The loop in a fresh process with a cache of its own: result, modules, cache hits."""
    (folder / "looped.py").write_text(LOOP)
    env = os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache")}
    env["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [env.get("PYTHONPATH")])])
    command = [sys.executable, "-c", RUN.format(kind=kind)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_second_process_reads_no_typing_rules(tmp_path: Path) -> None:
    doubled = [0, 2, 4, 6, 8]
    first, second = run(tmp_path), run(tmp_path)
    assert first[0] == second[0] == doubled
    assert "numba.np.arraymath" in first[1] and first[2] == 0
    assert second[1:] == [[], 1]
    other = run(tmp_path, "float32")  # not in the cache: compiled beside what is
    assert other[0] == doubled and other[2] == 0
    assert run(tmp_path)[1:] == run(tmp_path, "float32")[1:] == [[], 1]
