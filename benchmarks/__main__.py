"""``python -m benchmarks``: every benchmark in a process of its own, one table, JSON and history.

    python -m benchmarks [NAME …] [--pairs 7] [--json FILE] [--history FILE] [--check]

``--check`` compares with the last run of this machine in the history: exit code 1 where a ratio got
worse by more than a quarter. Seconds are never compared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.common import THREADS, Row, commit, line, machine

ALL = (
    "kernels", "forward", "engines", "scaling", "start_up", "train_step", "peers", "chip_time",
    "roofline", "device",
)  # fmt: skip
HISTORY = Path(__file__).with_name("history.jsonl")
WORSE = 1.25


def run(name: str, pairs: int) -> list[Row]:
    """The rows of one benchmark; none, and why, where it fails."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rows.json"
        command = [sys.executable, "-m", f"benchmarks.{name}", "--pairs", str(pairs), "--json"]
        threads = {"OMP_NUM_THREADS": str(THREADS), "NUMBA_NUM_THREADS": str(THREADS)}
        done = subprocess.run([*command, str(path)], env=os.environ | threads,
                              stdout=subprocess.DEVNULL)  # fmt: skip
        if done.returncode:
            print(f"{name}: ended with exit code {done.returncode}", file=sys.stderr)
            return []
        return [Row(**row) for row in json.loads(path.read_text())]


def worse(rows: list[Row], past: list[Row]) -> list[str]:
    """Ratios that fell behind the last run's by more than a quarter."""
    before = {(r.case, r.peer, r.figure): r for r in past}
    found = []
    for r in rows:
        old = before.get((r.case, r.peer, r.figure))
        if old is None or min(r.ratio, old.ratio) <= 0:
            continue
        lost = old.ratio / r.ratio if r.figure == "speed-up" else r.ratio / old.ratio
        if lost > WORSE:
            found.append(f"{r.case}, {r.peer}: {r.figure} {old.ratio:.3g} → {r.ratio:.3g}")
    return found


def last(history: Path, facts: dict[str, Any]) -> list[Row]:
    """Rows of the latest entry of a machine like this one."""
    found: list[Row] = []
    if history.exists():
        for text in history.read_text().splitlines():
            entry = json.loads(text)
            if all(entry["machine"][k] == facts[k] for k in ("cpu", "cores", "threads")):
                found = [Row(**row) for row in entry["rows"]]
    return found


def main() -> int:
    """Run, print, write; 1 when ``--check`` finds a ratio that got worse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(ALL), help=", ".join(ALL))
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--history", type=Path, default=HISTORY)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in ALL]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
    facts, rows = machine(), list[Row]()
    for name in given.names:
        print(f"== {name}", flush=True)
        for r in run(name, given.pairs):
            rows.append(r)
            print(line(r), flush=True)
    lost = worse(rows, last(given.history, facts)) if given.check else []
    entry = {"time": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), "commit": commit(),
             "machine": facts, "rows": [asdict(r) for r in rows]}  # fmt: skip
    if given.json:
        given.json.write_text(json.dumps(entry, indent=1))
    with given.history.open("a") as file:
        file.write(json.dumps(entry) + "\n")
    for text in lost:
        print(f"worse: {text}")
    return 1 if lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
