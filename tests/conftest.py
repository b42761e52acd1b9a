"""Settings for the whole suite: threads, no window, no CUDA where there is none."""

from __future__ import annotations

import gc
import os

import pytest

# Before torch, numba or matplotlib is imported: parallel workers share the cores between them.
_THREADS = "1" if "PYTEST_XDIST_WORKER" in os.environ else "2"
os.environ.setdefault("OMP_NUM_THREADS", _THREADS)
os.environ.setdefault("MKL_NUM_THREADS", _THREADS)
os.environ.setdefault("NUMBA_NUM_THREADS", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

gc.disable()  # collecting five thousand tests makes objects that stay: a quarter of its time was gc


def pytest_collection_finish() -> None:
    """What was collected stays to the end: it is not looked through again."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip ``gpu`` tests on a machine without a CUDA device."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked and not _has_cuda():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
