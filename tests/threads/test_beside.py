"""A second process that compiles: waited for where it is at the same loop, never relied on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neurosim.threads import _beside

SCRIPT = """
import sys, time
for line in sys.argv[1:]:
    name, _, seconds = line.partition("=")
    print(name, flush=True)
    time.sleep(float(seconds))
"""


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Starts a process that says so many names, each for so long."""
    (tmp_path / "says.py").write_text(SCRIPT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(_beside, "_process", None)
    monkeypatch.setattr(_beside.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(_beside, "_offered", ())
    yield lambda *said: _beside.offer("says", *said)
    if _beside._process is not None:
        _beside._process._child.kill()
        _beside.finish()


def reached(name: str) -> None:
    """Wait until the process says it."""
    until = time.monotonic() + 20
    while _beside._process is not None and _beside._process._loop != name:
        assert time.monotonic() < until, name
        time.sleep(0.005)


def test_a_loop_under_way_is_waited_for(second) -> None:
    second("a=0.6", "=0", "b=30")
    assert not _beside.missing("first")  # starts it
    reached("a")
    begin = time.monotonic()
    assert not _beside.missing("b") and not _beside.missing("other")
    assert time.monotonic() - begin < 0.5
    assert _beside.missing("a")
    reached("b")


def test_a_process_that_dies_is_not_waited_for(second) -> None:
    second("a=60")
    _beside.missing("first")
    reached("a")
    threading.Timer(0.2, _beside._process._child.kill).start()
    begin = time.monotonic()
    assert _beside.missing("a")  # what is not in the cache then is compiled here
    assert time.monotonic() - begin < 20
    assert not _beside.missing("a")
    _beside.finish()


def test_patience_ends(second, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_beside, "PATIENCE", 0.2)
    second("a=60")
    _beside.missing("first")
    reached("a")
    assert not _beside.missing("a")


def test_none_is_started_without_an_offer_or_a_second_core(
    second, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not _beside.missing("a") and _beside._process is None
    _beside.finish()
    second("a=60")
    monkeypatch.setattr(_beside.os, "cpu_count", lambda: 1)
    assert not _beside.missing("a") and _beside._process is None


def test_the_second_process_tells_and_starts_no_third(
    second, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    second("a=60")
    monkeypatch.setattr(_beside, "_names_are_told", False)
    _beside.announce()
    assert not _beside.missing("x (int64)") and _beside._process is None
    _beside.kept()
    assert capfd.readouterr().out == "x (int64)\n\n"
    monkeypatch.setattr(_beside, "_names_are_told", False)


def test_it_ends_with_who_started_it() -> None:
    code = (
        "from neurosim.threads import _beside; _beside.announce()\n"
        "import time\n"
        "while True: _beside.kept(); time.sleep(0.01)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(20) == 0


@pytest.mark.slow
def test_a_first_run_compiles_what_the_second_process_did_not(tmp_path: Path) -> None:
    """The long loops of svformer_tiny are those that ``warm --beside`` compiles."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "neurosim.sim.warm", "--beside"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    said = {line.split()[0].rpartition(".")[2] for line in done.stdout.splitlines() if line}
    expected = {"gather_loop", "_reach_loop", "_compress_bits_loop", "active_middle_loop"}
    assert said >= expected
    code = (
        "import neurosim as ns, torch\n"
        "from neurosim.threads import _beside\n"
        "seen = []\n"
        "_beside.missing = lambda loop: seen.append(loop.split()[0].rpartition('.')[2])\n"
        "model = ns.models.load('svformer_tiny')\n"
        "clip = torch.rand(16, 1, 3, 64, 64)\n"
        "ns.simulate(ns.lower(ns.capture(model, clip)), clip)\n"
        "print(*seen)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True,
                          check=True)  # fmt: skip
    compiled = set(done.stdout.split())
    assert "short_rows_loop" in compiled
    assert not compiled & expected
