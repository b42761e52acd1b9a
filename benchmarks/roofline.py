"""What the cores can do, by probes of twenty lines, and how near the kernels come.

Additions: the sum of 16 KB of float32 in the first-level cache, vectors added to several
accumulators (a kernel that adds weight rows does one load and one addition a vector). Bandwidth: a
sum over a buffer far larger than the caches. Bytes and operations are counted by hand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numba
import numpy as np

from benchmarks.common import THREADS, Row, main, seconds

GOES = 7


@numba.njit(nogil=True, fastmath=True)
def _adds(x: np.ndarray, times: int) -> float:
    """The sum of x, over and over: a load and an addition a vector, many accumulators."""
    total = np.float32(0)
    for _ in range(times):
        part = np.float32(0)
        for k in range(x.size):
            part += x[k]
        total = total * np.float32(0.5) + part
    return total


@numba.njit(nogil=True, fastmath=True)
def _read(x: np.ndarray) -> float:
    total = np.float32(0)
    for k in range(x.size):
        total += x[k]
    return total


def together(work: Callable[[], object], threads: int) -> float:
    """The least seconds in which all threads did the work."""
    work()

    def all_of_them() -> None:
        running = [threading.Thread(target=work) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    return min(seconds(all_of_them) for _ in range(GOES))


def adds_per_second(threads: int) -> float:
    """float32 additions a second of all threads."""
    x, times = np.ones(4096, np.float32), 20_000
    return threads * x.size * times / together(lambda: _adds(x, times), threads)


def bytes_per_second(threads: int) -> float:
    """Bytes a second that all threads read from memory."""
    parts = [np.ones(32 * 2**20, np.float32) for _ in range(threads)]
    free = iter(parts * (GOES + 1))
    return sum(p.nbytes for p in parts) / together(lambda: _read(next(free)), threads)


def rows(pairs: int, only: str) -> list[Row]:
    """A 3×3 convolution of 128 channels, 28×28, 16 slices, at 2, 10 and 20 %."""
    from neurosim.sim.kernels import conv, pack_weights

    peak, wide = adds_per_second(THREADS), bytes_per_second(THREADS)
    rng, found = np.random.default_rng(0), []
    weight = rng.standard_normal((128, 128, 3, 3)).astype(np.float32)
    packed = pack_weights(weight)
    for density in (0.02, 0.1, 0.2):
        x = (rng.random((16, 28, 28, 128)) < density).astype(np.float32).transpose(0, 3, 1, 2)
        best = min(seconds(lambda x=x: conv(x, packed, padding=1, spike=1.0)) for _ in range(GOES))
        adds = np.count_nonzero(x) * 128 * 9
        moved = 4 * (x.size * 2 + packed.rows.size)  # activity in, sums out, weights once
        bound = max(adds / peak, moved / wide)
        note = f"{adds / 1e6:.0f} M adds, {moved / 1e6:.0f} MB"
        found.append(Row(f"conv3x3 128@28 {density:.0%}", "roofline", "of bound", bound / best, "",
                         ours_s=best, peer_s=bound, note=note))  # fmt: skip
    limits = f"{peak / 1e9:.1f} G adds/s, {wide / 1e9:.1f} GB/s"
    found.append(Row("the cores", f"{THREADS} threads", "adds/byte", peak / wide, note=limits))
    return found


if __name__ == "__main__":
    main(rows, __doc__)
