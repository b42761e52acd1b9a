"""Spreads independent tasks over ``numba.get_num_threads()`` threads.

Plain Python threads around kernels compiled with ``nogil``: idle ones sleep (an OpenMP pool beside
torch's spins and takes its cores), several callers may run at once, and a fork is safe because no
pool outlives the call.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numba

CHUNKS_PER_THREAD = 4


def run_tasks(kernel: Callable[[int, int], None], tasks: int, work: int) -> None:
    """Call ``kernel(begin, end)`` over disjoint ranges that cover ``range(tasks)``; ``work`` ~
    elements touched.
    """
    threads = 1 if work < 50_000 else min(numba.get_num_threads(), tasks)
    if threads <= 1:
        return kernel(0, tasks)
    chunks = min(tasks, threads * CHUNKS_PER_THREAD)
    _share(kernel, [tasks * k // chunks for k in range(chunks + 1)], threads)


def _share(kernel: Callable[[int, int], None], bounds: list[int], threads: int) -> None:
    turn = itertools.count()  # next() is atomic: each range is taken once, by whoever is free
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while (k := next(turn)) < len(bounds) - 1:
                kernel(bounds[k], bounds[k + 1])
        except BaseException as failure:  # noqa: BLE001 - handed to the caller below
            failures.append(failure)

    others = [threading.Thread(target=work, daemon=True) for _ in range(threads - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if failures:
        raise failures[0]
