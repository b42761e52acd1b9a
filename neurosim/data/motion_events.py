"""What an event camera sees of a clip: thresholded differences of log intensity, in integers.

A pixel remembers a level ref, at first L(−1). Between frames k − 1 and k its log intensity goes
from L(k−1) to L(k) in a straight line, and it fires with the sign of L(k) − ref each time the line
has moved THRESHOLD on from ref, which then moves with it. L = 256 · log2(1 + luma), rounded, with
the luma of ITU-R BT.601. Model: Lichtsteiner, Posch & Delbruck, "A 128×128 120 dB 15 μs latency
asynchronous temporal contrast vision sensor", IEEE JSSC 43(2), 2008, without its noise.
"""

from __future__ import annotations

import numpy as np

PERIOD_US = 40_000  # between frames
THRESHOLD = 64  # a change of 19 %
_LOG = np.rint(256 * np.log2(1 + np.arange(256))).astype(np.int64)


def film_events(frames: np.ndarray) -> dict[str, np.ndarray]:
    """Events of (1 + T, H, W, 3) uint8 frames: t (µs), x, y and p (1: brighter), by time.

    What happens between frames k − 1 and k, k in 0 … T − 1, has t in [k, k + 1) · PERIOD_US.
    """
    levels = _LOG[frames.astype(np.int64) @ np.array([299, 587, 114]) // 1000]  # (1 + T, H, W)
    memory, parts = levels[0].copy(), []
    for k in range(len(levels) - 1):
        parts.append(_between(k, levels[k], levels[k + 1], memory))
    t, x, y, p = np.concatenate(parts, axis=1)
    order = np.argsort(t, kind="stable")
    side = np.uint8 if max(frames.shape[1:3]) <= 256 else np.uint16
    return {
        "t": t[order].astype(np.uint32),
        "x": x[order].astype(side),
        "y": y[order].astype(side),
        "p": p[order].astype(np.uint8),
    }


def _between(k: int, old: np.ndarray, new: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """(4, events) of one frame period; moves ``memory`` on."""
    sign = np.sign(new - memory)
    count = abs(new - memory) // THRESHOLD
    times = np.asarray(count[count > 0], np.int64)
    y, x = (np.repeat(place, times) for place in np.nonzero(count))
    before = np.repeat(np.add.accumulate(times) - times, times)  # events of earlier pixels
    turn = np.arange(len(y)) - before + 1
    level = memory[y, x] + sign[y, x] * turn * THRESHOLD  # the line reaches it after old, by new
    way, whole = abs(level - old[y, x]), abs(new - old)[y, x]
    t = k * PERIOD_US + (way * PERIOD_US - 1) // whole
    memory += sign * count * THRESHOLD
    return np.stack([t, x, y, sign[y, x] > 0])


def slice_events(events: dict[str, np.ndarray], slices: int, side: int) -> np.ndarray:
    """(slices, 2, side, side) int64 counts per frame period; channel 1 holds the brighter ones."""
    counts = np.zeros((slices, 2, side, side), np.int64)
    place = (events["t"] // PERIOD_US, events["p"], events["y"], events["x"])
    np.add.at(counts, place, 1)
    return counts
