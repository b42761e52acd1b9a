"""The event camera against a loop over pixels in exact fractions, and its noise in the mean."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, log, log2

import numpy as np
import pytest

from neurosim.data import film, load_clip
from neurosim.data.motion_draw import draw_extended
from neurosim.data.motion_events import film_events
from neurosim.data.recipe import Recipe
from neurosim.errors import ClipError

EFOLD = 256 / log(2)


def luma(frames: int = 10, height: int = 3, width: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width), dtype=np.uint8)


def one_pixel(
    level: list[int], period: Fraction, on: float, off: float, hold: float, leak: float, gap: float
) -> list[tuple[int, int]]:
    """(t, p) of the docstring's pixel, one event after the other."""
    d, free_at, found = Fraction(gap), Fraction(0), []
    for k in range(len(level) - 1):
        slope = (level[k + 1] - level[k]) / period + Fraction(leak)
        now, end = max(k * period, free_at), (k + 1) * period
        while now < end:
            theta = Fraction(on) if slope >= 0 else -Fraction(off)
            if not slope or now + (theta - d) / slope > end:
                d += slope * (end - now)
                break
            at = now + (theta - d) / slope
            found.append((ceil(at) - 1, int(slope > 0)))
            d, free_at = Fraction(0), at + Fraction(hold)
            now = free_at
    return found


def brute_force(frames: np.ndarray, fps: float, seed: int, **noise: float) -> list[tuple[int, ...]]:
    """Every event of ``film(frames, fps, **noise)``, sorted."""
    rng, shape = np.random.default_rng(seed), frames.shape[1:]
    sigma, rate = noise.get("threshold_sigma", 0.0), noise.get("leak_rate_hz", 0.0)
    theta = [np.full(shape, noise.get(f"threshold_{way}", 0.2)) for way in ("on", "off")]
    if sigma:
        theta = [np.maximum(rng.normal(mean.flat[0], sigma, shape), 0.01) for mean in theta]
    on, off = (np.rint(t * EFOLD * 2**16) / 2**16 for t in theta)
    gap = rng.random(shape) * on if rate else np.zeros(shape)
    found = []
    for y, x in np.ndindex(*shape):
        level = [round(256 * log2(1 + int(v))) for v in frames[:, y, x]]
        settings = (on[y, x], off[y, x], noise.get("refractory_us", 0.0))
        leak = rate * 1e-6 * on[y, x]
        for t, p in one_pixel(level, Fraction(1e6 / fps), *settings, leak, gap[y, x]):
            found.append((t, x, y, p))
    return sorted(found)


def rows(events: dict[str, np.ndarray]) -> list[tuple[int, ...]]:
    return sorted(zip(*(events[c].tolist() for c in "txyp"), strict=True))


NOISE = {
    "none": {},
    "other thresholds": {"threshold_on": 0.15, "threshold_off": 0.31},
    "mismatch": {"threshold_sigma": 0.04},
    "many at the least threshold": {"threshold_on": 0.03, "threshold_sigma": 0.05},
    "refractory": {"refractory_us": 3000.0},
    "refractory over a frame": {"refractory_us": 90_000.5},
    "leak": {"leak_rate_hz": 9.0},
    "all": {"threshold_sigma": 0.03, "refractory_us": 1500.0, "leak_rate_hz": 20.0},
}


@pytest.mark.parametrize("name", NOISE)
@pytest.mark.parametrize("fps", [25, 29.97])
def test_events_are_those_of_the_loop(name: str, fps: float) -> None:
    frames = luma()
    frames[5:8, 0] = frames[5, 0]  # stands still for a while
    events = film(frames, fps, generator=np.random.default_rng(3), **NOISE[name])
    expected = brute_force(frames, fps, 3, **NOISE[name])
    assert rows(events) == expected and len(expected) > 30
    assert (np.diff(events["t"]) >= 0).all() and events["t"].min() >= 0
    assert (int(events["height"]), int(events["width"])) == (3, 4)


def test_without_noise_it_is_the_integer_model() -> None:
    frames = draw_extended(1, 4)
    ours, integers = film(frames, 25, log(2) / 4, log(2) / 4), film_events(frames)
    for name in "txyp":
        np.testing.assert_array_equal(ours[name], integers[name])
    assert len(ours["t"]) > 1000


def test_colours_and_luma_are_the_same_film() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (4, 6, 7, 3), dtype=np.uint8)
    gray = (colours.astype(int) @ [299, 587, 114] // 1000).astype(np.uint8)
    events = film(colours, 30)
    assert len(events["t"]) > 100
    assert rows(events) == rows(film(gray, 30)) == rows(film(gray.astype(np.float32), 30))


def test_a_hold_keeps_events_of_a_pixel_apart() -> None:
    events = film(luma(20), 30, refractory_us=7000)
    for y, x in np.ndindex(3, 4):
        t = events["t"][(events["y"] == y) & (events["x"] == x)]
        assert len(t) > 5 and np.diff(t).min() >= 6999  # two times rounded to a microsecond


def test_a_still_scene_leaks_at_its_rate() -> None:
    """Each pixel in its own phase, at leak_rate whatever its threshold; all ON."""
    still = np.full((101, 30, 40), 90, np.uint8)
    assert not len(film(still, 10, threshold_sigma=0.03, generator=np.random.default_rng(0))["t"])
    events = film(
        still, 10, threshold_sigma=0.03, leak_rate_hz=2.05, generator=np.random.default_rng(0)
    )
    per_pixel = np.bincount(events["y"].astype(int) * 40 + events["x"], minlength=1200)
    assert set(per_pixel.tolist()) == {20, 21} and events["p"].all()
    assert abs(per_pixel.mean() - 20.5) < 0.06  # 4 sigma of a Bernoulli mean over 1200 pixels
    first = np.histogram(events["t"][events["t"] < 1e6 / 2.05], 5)[0]
    assert first.min() > 180  # of 240 expected: 4 sigma


def test_thresholds_differ_by_sigma() -> None:
    """A slow, long rise: the number of events of a pixel says its threshold."""
    ramp = np.repeat(np.linspace(0, 255, 200)[:, None, None], 2500, 1).reshape(200, 50, 50)
    events = film(ramp, 100, threshold_sigma=0.03, generator=np.random.default_rng(1))
    number = np.bincount(events["y"].astype(int) * 50 + events["x"], minlength=2500)
    theta = log(256) / (number + 0.5)
    assert abs(theta.mean() - 0.2) < 0.003 and abs(theta.std() - 0.03) < 0.003


def test_a_film_is_a_recording(tmp_path) -> None:
    events = film(luma(), 20, 0.3, 0.3)
    np.savez(tmp_path / "e.npz", **events)
    clip = load_clip(tmp_path / "e.npz", Recipe(5, (3, 4), channels="events", bin_ms=50))
    start = events["t"][0]
    assert clip.tensor.sum() == (events["t"] < start + 250_000).sum() > 100


@pytest.mark.parametrize(
    ("frames", "settings", "found"),
    [
        (np.zeros((4, 5, 6), np.uint8), {"fps": 0}, r"fps = 0; give a number above 0"),
        (np.zeros((4, 5, 6), np.uint8), {"fps": 9, "threshold_off": -1}, "threshold_off = -1"),
        (np.zeros((4, 5, 6), np.uint8), {"fps": 9, "refractory_us": -1}, "of at least 0"),
        (np.zeros((4, 5, 6), np.uint8), {"fps": 9, "leak_rate_hz": float("nan")}, "leak_rate_hz"),
        (np.zeros((4, 5, 6), np.uint8), {"fps": 9, "leak_rate_hz": 1}, "without a generator"),
        (np.zeros((1, 5, 6), np.uint8), {"fps": 9}, "1 frames; give at least 2"),
        (np.zeros((4, 5, 6, 3), float), {"fps": 9}, r"\[4, 5, 6, 3\]; give"),
        (np.full((4, 5, 6), 256.0), {"fps": 9}, "luma from 256 to 256; give 0 to 255"),
        (np.full((4, 5, 6), np.nan), {"fps": 9}, "luma from nan"),
    ],
)
def test_bad_films(frames: np.ndarray, settings: dict[str, float], found: str) -> None:
    with pytest.raises(ClipError, match=f"at film: found .*{found}") as caught:
        film(frames, **settings)
    assert "\n" not in str(caught.value)
