"""What an event camera sees of a video: thresholded log intensity, with the faults of real pixels.

L = 256 · log2(1 + luma), rounded, luma 0 … 255; between two frames L moves in a straight line. A
pixel keeps the gap d of L to what it remembers, at first 0. It fires ON when d reaches θ_on and OFF
when d reaches −θ_off; then d is 0, and is held there for the refractory time. Leakage moves d up by
leak_rate · θ_on a second. A pixel's own θ is drawn from N(θ, σ²), and at least 0.01.

Pixel, reset and refractory time: Lichtsteiner, Posch & Delbruck, IEEE JSSC 43(2), 2008. Mismatch of
thresholds and leak events: Hu, Liu & Delbruck, "v2e: From Video Frames to Realistic DVS Events",
CVPR workshops 2021. Finite bandwidth and shot noise are not modelled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ClipError

_LEVELS = np.rint(256 * np.log2(1 + np.arange(256))).astype(np.int64)
_PER_EFOLD = 256 / math.log(2)  # levels
_LEAST = 0.01  # threshold of a pixel, e-folds
_GRID = 2.0**-16  # of thresholds, levels: sums of them are exact
Threshold = np.ndarray | float


@dataclass(frozen=True, eq=False)
class Pixels:
    """Thresholds in levels and leak in levels a µs, one number or (H, W); refractory time in µs."""

    on: Threshold
    off: Threshold
    refractory_us: float = 0.0
    leak: Threshold = 0.0


@dataclass(frozen=True, eq=False)
class State:
    """Of every pixel, (H, W) float64: the gap d in levels, and for how many µs it is still held."""

    gap: np.ndarray
    held: np.ndarray


def film(
    frames: np.ndarray,
    fps: float,
    threshold_on: float = 0.2,
    threshold_off: float = 0.2,
    threshold_sigma: float = 0.0,
    refractory_us: float = 0.0,
    leak_rate_hz: float = 0.0,
    generator: np.random.Generator | None = None,
) -> dict[str, np.ndarray]:
    """Events {t, x, y, p, height, width} of (T, H, W, 3) uint8 frames or (T, H, W) luma, by time.

    t: whole µs since frame 0, an event of (t, t + 1]; p: 1 is brighter. Thresholds and their sigma
    are differences of natural logarithms. ``generator`` draws what is random: the thresholds, and
    with leakage how far each pixel has leaked at frame 0. Raises ClipError: frames or settings that
    cannot be, noise without a generator.
    """
    level = levels(frames)
    _check(fps, threshold_on, threshold_off, threshold_sigma, refractory_us, leak_rate_hz)
    if len(level) < 2:
        raise ClipError(f"at film: found {len(level)} frames; give at least 2, events lie between")
    if generator is None and (threshold_sigma or leak_rate_hz):
        raise ClipError(
            "at film: found noise without a generator; give numpy.random.default_rng(seed)"
        )
    shape = level.shape[1:]
    on = _drawn(threshold_on, threshold_sigma, shape, generator)
    off = _drawn(threshold_off, threshold_sigma, shape, generator)
    pixels = Pixels(on, off, refractory_us, leak_rate_hz * 1e-6 * on)
    gap = generator.random(shape) * on if generator is not None and leak_rate_hz else 0.0
    t, x, y, p = fire(level, 1e6 / fps, pixels, gap)
    return {
        "t": t,
        "x": x.astype(np.uint16),
        "y": y.astype(np.uint16),
        "p": p.astype(np.uint8),
        "height": np.array(shape[0]),
        "width": np.array(shape[1]),
    }


def levels(frames: np.ndarray) -> np.ndarray:
    """(T, H, W) int64: L of every pixel; the luma of colours is ITU-R BT.601's, rounded down.

    Raises ClipError: neither colours nor luma, or luma outside 0 … 255.
    """
    if frames.ndim == 4 and frames.shape[3] == 3 and frames.dtype == np.uint8:
        return _LEVELS[frames.astype(np.int64) @ np.array([299, 587, 114]) // 1000]
    if frames.ndim != 3 or frames.dtype.kind not in "uif":
        raise ClipError(
            f"at film: found {frames.dtype} {list(frames.shape)}; give (T, H, W, 3) uint8 colours "
            "or (T, H, W) luma of 0 to 255"
        )
    luma = frames.astype(np.float64)
    if not ((luma >= 0) & (luma <= 255)).all():
        raise ClipError(f"at film: found luma from {luma.min():g} to {luma.max():g}; give 0 to 255")
    return np.rint(256 * np.log2(1 + luma)).astype(np.int64)


def fire(
    level: np.ndarray, period_us: float, pixels: Pixels, gap: Threshold = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """t, x, y, p (int64) of the events between frames ``period_us`` apart, by time, then frame,
    row, column. ``gap``: d at frame 0.

    Exact without hold and leak: for levels that are integers, thresholds on the grid of 2^-16 and a
    period of whole µs, float64 rounds nothing that decides an event or its µs.
    """
    shape = level.shape[1:]
    state = State(np.zeros(shape) + gap, np.zeros(shape))
    parts = []
    for k, change in enumerate(np.diff(level, axis=0)):
        found, state = _between(change + pixels.leak * period_us, state, pixels, period_us)
        found[0] = np.ceil(found[0] + k * period_us) - 1
        parts.append(found.astype(np.int64))
    t, x, y, p = np.concatenate(parts, axis=1)
    order = np.argsort(t, kind="stable")
    return t[order], x[order], y[order], p[order]


@dataclass(frozen=True, eq=False)
class _Way:
    """What a frame period does to the pixels, (H, W) each: d moves ``rise`` levels towards
    ``theta``, ``done`` levels towards it already, once ``held`` µs have passed."""

    rise: np.ndarray
    theta: np.ndarray
    done: np.ndarray
    held: np.ndarray
    refractory: float
    period: float


def _between(
    change: np.ndarray, state: State, pixels: Pixels, period: float
) -> tuple[np.ndarray, State]:
    """(4, events) of one frame period in which d moves by ``change``: µs after its start, x, y, p.
    And the state at its end."""
    up = change >= 0
    theta, done = np.where(up, pixels.on, pixels.off), np.where(up, state.gap, -state.gap)
    way = _Way(np.abs(change), theta, done, state.held, pixels.refractory_us, period)
    number = _number(way)
    y, x = np.nonzero(number)
    times = number[y, x]
    before = np.repeat(np.cumsum(times) - times, times)  # events of earlier pixels
    y, x = np.repeat(y, times), np.repeat(x, times)
    turn = np.arange(len(y)) - before + 1
    wait = state.held[y, x] + (turn - 1) * way.refractory
    t = wait + (turn * theta[y, x] - done[y, x]) * period / way.rise[y, x]
    rest, held = _after(way, number)
    return np.stack([t, x, y, up[y, x]]), State(np.where(up, rest, -rest), held)


def _number(way: _Way) -> np.ndarray:
    """Events of the period: the largest n with held + (n·θ − done)·period/rise + (n − 1)·refractory
    ≤ period."""
    reach = way.done + way.rise * ((way.period - way.held + way.refractory) / way.period)
    most = np.floor(reach / (way.theta + way.rise * (way.refractory / way.period)))
    return np.where(way.rise > 0, np.maximum(most, 0), 0).astype(np.int64)


def _after(way: _Way, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``done`` at the end of the period, and for how many µs it is still held."""
    fired = number > 0
    free = way.period - way.held - number * way.refractory
    free = np.where(fired, free, np.maximum(free, 0))
    rest = way.done + way.rise * (free / way.period) - number * way.theta
    late = fired & (rest < 0)  # the last hold outlasts the period
    held = np.where(fired, 0, np.maximum(way.held - way.period, 0))
    beyond = -rest * way.period / np.where(late, way.rise, 1)
    return np.where(late, 0, rest), np.where(late, beyond, held)


def _drawn(
    threshold: float, sigma: float, shape: tuple[int, ...], generator: np.random.Generator | None
) -> np.ndarray:
    """(H, W) thresholds in levels, on the grid."""
    theta = np.full(shape, threshold)
    if generator is not None and sigma:
        theta = np.maximum(generator.normal(threshold, sigma, shape), _LEAST)
    return np.maximum(np.rint(theta * _PER_EFOLD / _GRID), 1) * _GRID


def _check(fps: float, on: float, off: float, sigma: float, refractory: float, leak: float) -> None:
    above = {"fps": fps, "threshold_on": on, "threshold_off": off}
    least = {"threshold_sigma": sigma, "refractory_us": refractory, "leak_rate_hz": leak}
    for name, value in (above | least).items():
        if not math.isfinite(value) or value < 0 or (name in above and value == 0):
            bound = "above 0" if name in above else "of at least 0"
            raise ClipError(f"at film: found {name} = {value:g}; give a number {bound}")
