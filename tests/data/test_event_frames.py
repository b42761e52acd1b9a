"""Frames of events against loops over the events."""

from __future__ import annotations

from fractions import Fraction
from math import exp

import numpy as np
import pytest

from neurosim.data import event_counts, film, time_surface, voxel_grid
from neurosim.errors import ClipError

HEIGHT, WIDTH = 3, 4


def recording(number: int = 200, seed: int = 0, signed: bool = False) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 2, number)
    return {
        "t": np.sort(rng.integers(1000, 9000, number)).astype(np.uint32),
        "x": rng.integers(0, WIDTH, number).astype(np.uint8),
        "y": rng.integers(0, HEIGHT, number).astype(np.uint8),
        "p": (2 * p - 1).astype(np.int8) if signed else p.astype(bool),
        "height": np.array(HEIGHT),
        "width": np.array(WIDTH),
    }


def each(events: dict[str, np.ndarray]) -> list[tuple[int, int, int, int]]:
    """(t, p, y, x), p 0 or 1."""
    return [
        (int(t), int(p > 0), int(y), int(x))
        for t, p, y, x in zip(*(events[c] for c in "tpyx"), strict=True)
    ]


@pytest.mark.parametrize("start", [None, 0, 3000])
@pytest.mark.parametrize("step", [1000, 333.3])
def test_counts(start: int | None, step: float) -> None:
    events = recording()
    expected = np.zeros((6, 2, HEIGHT, WIDTH), int)
    first = int(events["t"][0]) if start is None else start
    for t, p, y, x in each(events):
        k = (t - first) // Fraction(str(step))
        if 0 <= k < 6:
            expected[k, p, y, x] += 1
    found = event_counts(events, 6, step, start)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.int64 and 10 < found.sum() < 200 and found.max() > 1
    np.testing.assert_array_equal(event_counts(recording(signed=True), 6, step, start), expected)


def test_counts_keep_every_event_in_any_order() -> None:
    events = recording()
    order = np.random.default_rng(1).permutation(200)
    mixed = events | {name: events[name][order] for name in "txyp"}
    counts = event_counts(mixed, 8, 1000, 1000)
    np.testing.assert_array_equal(counts, event_counts(events, 8, 1000, 1000))
    assert counts.sum() == 200 and counts[:, 1].sum() == events["p"].sum()


@pytest.mark.parametrize("start", [None, 3000])
def test_time_surface(start: int | None) -> None:
    events, step, tau = recording(60), 700, 2500.0
    first = int(events["t"][0]) if start is None else start
    expected = np.zeros((7, 2, HEIGHT, WIDTH), np.float32)
    seen = each(events)
    for k, p, y, x in np.ndindex(*expected.shape):
        end = first + (k + 1) * step
        before = [t for t, *place in seen if t < end and place == [p, y, x]]
        expected[k, p, y, x] = exp((max(before) - end) / tau) if before else 0
    found = time_surface(events, 7, step, tau, start)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (
        (found == 0).any() and ((found > 0) == (expected > 0)).all() and found.dtype == np.float32
    )


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("window", [(None, None), (2000, 7001)])
def test_voxel_grid(signed: bool, window: tuple[int | None, int | None]) -> None:
    events, steps = recording(), 5
    start = int(events["t"][0]) if window[0] is None else window[0]
    stop = int(events["t"][-1]) if window[1] is None else window[1]
    expected = np.zeros((steps, 1 if signed else 2, HEIGHT, WIDTH))
    for t, p, y, x in each(events):
        if start <= t <= stop:
            at = (steps - 1) * (t - start) / (stop - start)
            for k in range(steps):
                weight = max(0.0, 1 - abs(k - at))
                expected[k, 0 if signed else p, y, x] += (2 * p - 1 if signed else 1) * weight
    found = voxel_grid(events, steps, *window, signed=signed)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float32 and found.shape == expected.shape


def test_every_event_weighs_one_in_a_voxel_grid() -> None:
    """Exactly so at times whose share is a power of two."""
    events = recording()
    events["t"] = (events["t"].astype(int) // 8) * 8
    counts = event_counts(events, 1, 8192, 1000)[0]
    grid = voxel_grid(events, 5, 1000 // 8 * 8, 1000 // 8 * 8 + 8192, signed=False)
    np.testing.assert_array_equal(grid.sum(0), counts)
    signed = voxel_grid(events, 5, 1000, 9192)
    np.testing.assert_array_equal(signed.sum((0, 1)), counts[1] - counts[0])
    assert signed.min() < 0 < signed.max()


def test_one_step_and_one_instant() -> None:
    events = recording(7) | {"t": np.full(7, 50)}
    for steps in (1, 4):
        grid = voxel_grid(events, steps, signed=False)
        np.testing.assert_array_equal(grid[0], event_counts(events, 1, 1)[0])
        assert not grid[1:].any()


def test_silence() -> None:
    events = film(np.full((3, HEIGHT, WIDTH), 9, np.uint8), 10)
    assert len(events["t"]) == 0
    shapes = {(4, 2, HEIGHT, WIDTH): (event_counts(events, 4, 10), time_surface(events, 4, 10, 5))}
    shapes[4, 1, HEIGHT, WIDTH] = (voxel_grid(events, 4),)
    for shape, found in shapes.items():
        assert all(f.shape == shape and not f.any() for f in found)


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        ({"x": np.full(9, WIDTH)}, f"x = {WIDTH} at event 0; give 0 to {WIDTH - 1}"),
        ({"y": np.arange(9) - 1}, "y = -1 at event 0"),
        ({"p": np.full(9, 2)}, r"polarities \[2\]"),
        ({"p": np.arange(9) % 3 - 1}, r"polarities \[-1, 0, 1\]"),
        ({"t": np.arange(8)}, r"x as uint8 \[9\]; give one whole number per event"),
        ({"t": np.arange(9.0)}, r"t as float64 \[9\]"),
    ],
)
def test_bad_events(spoil: dict[str, np.ndarray], found: str) -> None:
    for make in (lambda e: event_counts(e, 3, 10), lambda e: voxel_grid(e, 3)):
        with pytest.raises(ClipError, match=f"at events: found {found}"):
            make(recording(9) | spoil)


def test_bad_settings() -> None:
    events = recording(9)
    with pytest.raises(ClipError, match="found no width; give t, x, y, p, height, width"):
        event_counts({k: v for k, v in events.items() if k != "width"}, 3, 10)
    with pytest.raises(ClipError, match="0 steps of 10 µs; give at least 1"):
        event_counts(events, 0, 10)
    with pytest.raises(ClipError, match="3 steps of -1 µs"):
        time_surface(events, 3, -1, 5)
    with pytest.raises(ClipError, match="tau_us = 0; give microseconds above 0"):
        time_surface(events, 3, 1, 0)
    with pytest.raises(ClipError, match="start of 9 µs after the stop of 5 µs"):
        voxel_grid(events, 3, 9, 5)
