"""Threads of the event kernels: as many as numba is set to (``numba.set_num_threads``)."""

from __future__ import annotations

import numba

from neurosim.threads import SMALL, Kernel, run_ranges


def run_tasks(kernel: Kernel, tasks: int, work: int, small: int = SMALL) -> None:
    """``run_ranges`` on numba's threads."""
    run_ranges(kernel, tasks, work, numba.get_num_threads(), small)
