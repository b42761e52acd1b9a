"""Threads of our own that wait between calls, where torch's cannot be had: another runtime, or a
forked child.

It has the signature of ``GOMP_parallel``, so compiled loops cannot tell them apart. The loop takes
its ranges from a counter that all share, so it does not matter how many threads come, nor how late.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue

_BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_START = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)


class Job:
    """One call of a loop; closed when its caller is through, so that nobody begins it later."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work, self.inside, self.open = work, 0, True
        self.changed = threading.Condition()

    def join(self) -> None:
        """Work on it, unless it is closed."""
        with self.changed:
            if not self.open:
                return
            self.inside += 1
        self.work()
        with self.changed:
            self.inside -= 1
            self.changed.notify_all()

    def close(self) -> None:
        """Return when the last who joined has left."""
        with self.changed:
            self.open = False
            self.changed.wait_for(lambda: not self.inside)


_jobs: SimpleQueue[Job] = SimpleQueue()
_helpers: list[threading.Thread] = []
_lock = threading.Lock()


def start(work: Callable[[], object], threads: int) -> None:
    """Call ``work`` here and on up to ``threads`` − 1 others at once; return when all are done."""
    job = Job(work)
    _call_helpers(job, threads - 1)
    job.join()
    job.close()


@cache
def pool_address() -> int:
    """What a compiled loop calls to get threads."""
    return ctypes.cast(_entry, ctypes.c_void_p).value or 0


@_START
def _entry(body: int, data: int | None, threads: int, _flags: int) -> None:
    call = _BODY(body)
    start(lambda: call(data), threads)


def _call_helpers(job: Job, number: int) -> None:
    with _lock:
        while len(_helpers) < number:
            _helpers.append(threading.Thread(target=_help, args=(_jobs,), daemon=True))
            _helpers[-1].start()
    for _ in range(number):
        _jobs.put(job)


def _help(jobs: SimpleQueue[Job]) -> None:
    while True:
        jobs.get().join()


def _after_fork() -> None:
    """The parent's threads do not live here."""
    global _jobs, _lock
    _jobs, _lock = SimpleQueue(), threading.Lock()
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
