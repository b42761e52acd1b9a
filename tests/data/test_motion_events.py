"""Events against a loop over pixels that follows the docstring."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, log2

import numpy as np

from neurosim.data.motion_draw import draw_extended
from neurosim.data.motion_events import PERIOD_US, THRESHOLD, film_events, slice_events


def level(rgb: np.ndarray) -> int:
    r, g, b = (int(c) for c in rgb)
    return round(256 * log2(1 + (299 * r + 587 * g + 114 * b) // 1000))


def brute_force(frames: np.ndarray) -> list[tuple[int, int, int, int]]:
    found = []
    for y in range(frames.shape[1]):
        for x in range(frames.shape[2]):
            ref = level(frames[0, y, x])
            for k in range(len(frames) - 1):
                old, new = level(frames[k, y, x]), level(frames[k + 1, y, x])
                while abs(new - ref) >= THRESHOLD:
                    ref += THRESHOLD if new > ref else -THRESHOLD
                    time = (k + Fraction(ref - old, new - old)) * PERIOD_US
                    found.append((ceil(time) - 1, x, y, int(new > old)))
    return sorted(found)


def test_events_are_those_of_the_loop():
    frames = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    events = film_events(frames)
    rows = zip(*(events[c].tolist() for c in "txyp"), strict=True)
    assert sorted(rows) == brute_force(frames) and len(events["t"]) > 100
    assert (np.diff(events["t"].astype(int)) >= 0).all()


def test_a_still_film_is_silent():
    film = np.repeat(draw_extended(0, 0)[:1], 17, axis=0)
    assert len(film_events(film)["t"]) == 0


def test_slices_follow_the_frames():
    film = np.zeros((4, 64, 64, 3), np.uint8)
    film[2:, 5, 6] = 255  # brighter between the second and the third frame
    film[3, 7, 8] = 9
    film[3, 5, 6] = 0
    counts = slice_events(film_events(film), 3, 64)
    full = 256 * 8 // THRESHOLD
    assert counts.shape == (3, 2, 64, 64) and not counts[0].any()
    assert counts[1, 1, 5, 6] == full == counts[2, 0, 5, 6]
    assert counts.sum() == 2 * full + counts[2, 1, 7, 8]


def test_events_add_up_to_the_change():
    film = draw_extended(0, 3)
    counts = slice_events(film_events(film), 16, 64).sum(0)
    for y, x in np.random.default_rng(1).integers(64, size=(50, 2)):
        rest = level(film[-1, y, x]) - level(film[0, y, x])
        rest -= THRESHOLD * int(counts[1, y, x] - counts[0, y, x])
        assert abs(rest) < THRESHOLD
