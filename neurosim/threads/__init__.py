"""Spreads independent ranges of a compiled loop over the threads that torch computes with.

torch's OpenMP runtime keeps its threads busy-waiting for a while after each operator. A second pool
beside it would fight them for the cores; the same pool takes up a loop within some microseconds.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

from neurosim.threads._pool import pool_address

CHUNKS_PER_THREAD = 4
SMALL = 200_000  # elements: below, a second thread costs more than it saves

_forked = False


def spread(loop: Any, tasks: int, work: int, *args: Any) -> None:
    """Run ``loop`` (a kernel made with ``_fork.fork``) over all of ``range(tasks)`` in disjoint
    ranges, with ``args`` behind the bounds of each.

    ``work``: elements touched, of which fewer than ``SMALL`` stay on this thread. Raises
    RuntimeError: the kernel failed (memory ran out).
    """
    threads = 1 if work < SMALL else min(_torch_threads(), tasks)
    if threads <= 1:
        failed = loop(0, 1, tasks, max(1, tasks), args)
    else:
        chunk = -(-tasks // (threads * CHUNKS_PER_THREAD))
        failed = loop(_start(), threads, tasks, chunk, args)
    if failed:
        raise RuntimeError(f"{loop.__name__}: a compiled loop failed; is memory short?")


def _torch_threads() -> int:
    import torch

    return torch.get_num_threads()


def _start() -> int:
    """Address of what starts threads; a forked child has none of its parent's."""
    return pool_address() if _forked else _openmp() or pool_address()


@cache
def _openmp() -> int:
    """``GOMP_parallel`` of the runtime that torch has loaded (Intel's and LLVM's offer it too); 0:
    there is none."""
    import torch

    root = Path(torch.__file__).parent
    near = [
        p for d in (root / "lib", root.parent / "torch.libs") for p in sorted(d.glob("lib*omp*"))
    ]
    for name in (*map(str, near), "libgomp.so.1", "libiomp5.so", "libomp.so"):
        try:
            library = ctypes.CDLL(name, mode=getattr(os, "RTLD_NOLOAD", 0) | os.RTLD_NOW)
            return ctypes.cast(library.GOMP_parallel, ctypes.c_void_p).value or 0
        except (OSError, AttributeError):
            continue
    return 0


def _after_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
