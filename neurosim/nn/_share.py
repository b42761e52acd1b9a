"""Share a compiled kernel's pieces between as many threads as torch has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from neurosim.threads import run_ranges

SMALL = 1_000_000  # elements: below, a second thread is woken for nothing


def share(work: Callable[..., None], pieces: int, elements: int, *rest: Any) -> None:
    """``work(first, last, *rest)`` over 0 … pieces; ``work`` holds no lock, writes its own part."""
    threads = torch.get_num_threads()
    run_ranges(lambda first, last: work(first, last, *rest), pieces, elements, threads, SMALL)
