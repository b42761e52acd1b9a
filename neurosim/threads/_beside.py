"""A second process that compiles what a first run needs late, while this one compiles the rest.

The engine ``offer``s it; the first loop that numba's disk cache lacks starts it. It names each loop
that it compiles as it goes, so that a loop under way there is waited for and then read from the
cache. What does not come of it (no second core, no cache to write, a process that dies) is compiled
here, as it would have been.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from pathlib import Path

PATIENCE = 60.0  # seconds that one loop is waited for
_RUN = (  # a module of this very package, wherever it lies, behind what the path holds
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)

_offered: tuple[str, ...] = ()
_process: _Process | None = None
_names_are_told = False  # this is the second process


def offer(module: str, *arguments: str) -> None:
    """What the second process runs, once there is something to compile: ``python -m module …``."""
    global _offered
    _offered = (module, *arguments)


def announce() -> None:
    """Said by the second process: it tells what it compiles, and starts no third."""
    global _names_are_told
    _names_are_told = True


def finish() -> None:
    """Wait until the second process, where there is one, has ended."""
    if _process is not None:
        _process.ended()


def missing(loop: str) -> bool:
    """Said of a loop that is about to be compiled. Whether the second process has just done it."""
    global _process
    if _names_are_told:
        _tell(loop)
        return False
    if _process is None and _offered and sys.executable and (os.cpu_count() or 1) > 1:
        _process = _Process(_offered)
    return _process is not None and _process.waited_for(loop)


def kept() -> None:
    """Called when a compiled loop is on disk."""
    if _names_are_told:
        _tell("")


def _tell(loop: str) -> None:
    try:
        print(loop, flush=True)
    except OSError:  # who started it has ended
        os._exit(0)


class _Process:
    def __init__(self, command: tuple[str, ...]) -> None:
        self._changed = threading.Condition()
        self._loop = ""  # under way; empty: none
        here = str(Path(__file__).parents[2])
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-c", _RUN, here, *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()
        atexit.register(self._child.kill)

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._now(line.strip())
        self._now("")
        self._child.wait()

    def ended(self) -> None:
        self._child.wait()

    def _now(self, loop: str) -> None:
        with self._changed:
            self._loop = loop
            self._changed.notify_all()

    def waited_for(self, loop: str) -> bool:
        """Whether it was at this loop, and is done with it."""
        with self._changed:
            if self._loop != loop:
                return False
            return self._changed.wait_for(lambda: self._loop != loop, PATIENCE)
