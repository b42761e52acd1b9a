"""Share a compiled kernel's pieces between as many threads as torch has."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import torch

SMALL = 500_000  # elements a second thread is worth: below, it is woken for nothing


def share(work: Callable[..., None], pieces: int, elements: int, *rest: Any) -> None:
    """``work(first, last, *rest)`` over 0 … pieces; ``work`` holds no lock, writes its own part."""
    threads = max(1, min(torch.get_num_threads(), pieces, elements // SMALL))
    if threads == 1:
        work(0, pieces, *rest)
        return
    parts = min(pieces, 2 * threads)
    edges = [pieces * k // parts for k in range(parts + 1)]
    for part in [_pool(threads).submit(work, a, b, *rest) for a, b in pairwise(edges)]:
        part.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "neurosim-nn")
