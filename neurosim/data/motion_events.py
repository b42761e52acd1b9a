"""What an event camera sees of a clip: thresholded differences of log intensity, in integers.

The pixel of ``event_camera`` without its noise: it remembers a level, at first L(−1); between
frames k − 1 and k its log intensity goes from L(k−1) to L(k) in a straight line, and it fires with
the sign of the change each time the line has moved THRESHOLD on from the level, which then moves
with it. Levels, threshold and period are integers, so times are exact.
"""

from __future__ import annotations

import numpy as np

from neurosim.data.event_camera import Pixels, fire, levels

PERIOD_US = 40_000  # between frames
THRESHOLD = 64  # a change of 19 %


def film_events(frames: np.ndarray) -> dict[str, np.ndarray]:
    """Events of (1 + T, H, W, 3) uint8 frames: t (µs), x, y and p (1: brighter), by time.

    What happens between frames k − 1 and k, k in 0 … T − 1, has t in [k, k + 1) · PERIOD_US.
    """
    t, x, y, p = fire(levels(frames), PERIOD_US, Pixels(THRESHOLD, THRESHOLD))
    side = np.uint8 if max(frames.shape[1:3]) <= 256 else np.uint16
    return {
        "t": t.astype(np.uint32),
        "x": x.astype(side),
        "y": y.astype(side),
        "p": p.astype(np.uint8),
    }


def slice_events(events: dict[str, np.ndarray], slices: int, side: int) -> np.ndarray:
    """(slices, 2, side, side) int64 counts per frame period; channel 1 holds the brighter ones."""
    counts = np.zeros((slices, 2, side, side), np.int64)
    place = (events["t"] // PERIOD_US, events["p"], events["y"], events["x"])
    np.add.at(counts, place, 1)
    return counts
