"""Spreads independent ranges of a compiled loop over threads that wait between calls.

Plain Python threads around kernels compiled with ``nogil``: idle ones sleep (an OpenMP pool beside
torch's spins and takes its cores), several callers may run at once, and a helper that wakes late
holds nobody up: the caller waits for ranges, not for threads. A forked child starts its own.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

CHUNKS_PER_THREAD = 4
SMALL = 50_000  # elements: below, waking a thread costs more than it saves
Kernel = Callable[[int, int], object]


class _Job:
    """Ranges of one call, taken one by one by whoever is free."""

    def __init__(self, kernel: Kernel, bounds: list[int]) -> None:
        self.kernel, self.bounds = kernel, bounds
        self.turn, self.done = itertools.count(), itertools.count(1)  # next() is atomic
        self.finished, self.failures = threading.Event(), list[BaseException]()

    def work(self) -> None:
        """Take ranges until none is left."""
        last = len(self.bounds) - 1
        while (k := next(self.turn)) < last:
            try:
                if not self.failures:
                    self.kernel(self.bounds[k], self.bounds[k + 1])
            except BaseException as failure:  # noqa: BLE001 - handed to the caller
                self.failures.append(failure)
            if next(self.done) == last:
                self.finished.set()


_jobs: SimpleQueue[_Job] = SimpleQueue()
_helpers: list[threading.Thread] = []
_lock = threading.Lock()


def run_ranges(kernel: Kernel, tasks: int, work: int, threads: int, small: int = SMALL) -> None:
    """Call ``kernel(begin, end)`` over disjoint ranges that cover ``range(tasks)``.

    ``work``: elements touched, of which fewer than ``small`` stay on this thread. The first failure
    of a range is raised here.
    """
    threads = 1 if work < small else min(threads, tasks)
    if threads <= 1:
        kernel(0, tasks)
        return
    chunks = min(tasks, threads * CHUNKS_PER_THREAD)
    job = _Job(kernel, [tasks * k // chunks for k in range(chunks + 1)])
    _call_helpers(job, threads - 1)
    job.work()
    job.finished.wait()
    if job.failures:
        raise job.failures[0]


def _call_helpers(job: _Job, number: int) -> None:
    with _lock:
        while len(_helpers) < number:
            _helpers.append(threading.Thread(target=_help, args=(_jobs,), daemon=True))
            _helpers[-1].start()
    for _ in range(number):
        _jobs.put(job)


def _help(jobs: SimpleQueue[_Job]) -> None:
    while True:
        jobs.get().work()


def _after_fork() -> None:
    """The parent's threads do not live here."""
    global _jobs, _lock
    _jobs, _lock = SimpleQueue(), threading.Lock()
    _helpers.clear()


os.register_at_fork(after_in_child=_after_fork)
