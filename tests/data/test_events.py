"""Event recordings: exact counts against a loop over the events."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from neurosim.data.events import count_window
from neurosim.data.recipe import Recipe
from neurosim.data.video import load_clip
from neurosim.errors import ClipError

RECIPE = Recipe(frames=4, size=(5, 7), channels="events", bin_ms=10)


def recording(count=300, seconds=0.06, height=5, width=7, seed=0):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, int(seconds * 1e6), count)) + 1_000_000
    t[-1] = 1_000_000 + int(seconds * 1e6)
    return {
        "t": t,
        "x": rng.integers(0, width, count).astype(np.uint16),
        "y": rng.integers(0, height, count).astype(np.uint16),
        "p": rng.integers(0, 2, count).astype(bool),
    }


def counted(e, frames, size, sensor, bin_us):
    out = np.zeros((frames, 2, *size), int)
    for t, x, y, p in zip(e["t"], e["x"], e["y"], e["p"], strict=True):
        k = (int(t) - int(e["t"][0])) // bin_us
        if k < frames:
            out[k, int(p > 0), int(y) * size[0] // sensor[0], int(x) * size[1] // sensor[1]] += 1
    return out


def save(path, events, **more):
    np.savez(path, **events, **more)
    return path


def test_counts_are_exact(tmp_path):
    events = recording()
    clip = load_clip(save(tmp_path / "e.npz", events), RECIPE)
    expected = counted(events, 4, (5, 7), (5, 7), 10_000)
    assert clip.kind == "graded" and expected.max() > 1
    assert (clip.tensor[:, 0].numpy() == expected).all()
    assert clip.info["bin_ms"] == 10 and clip.info["seconds"] == [0, 0.01, 0.02, 0.03]


def test_bin_width_of_the_caller_wins(tmp_path):
    events = recording()
    clip = load_clip(save(tmp_path / "e.npz", events), RECIPE, bin_ms=0.5)
    assert (clip.tensor[:, 0].numpy() == counted(events, 4, (5, 7), (5, 7), 500)).all()


def test_binary_is_spikes(tmp_path):
    events = recording()
    recipe = Recipe(4, (5, 7), channels="events", bin_ms=10, binary=True)
    clip = load_clip(save(tmp_path / "e.npz", events), recipe)
    assert clip.kind == "spike"
    assert (clip.tensor[:, 0].numpy() == (counted(events, 4, (5, 7), (5, 7), 10_000) > 0)).all()


def test_a_larger_sensor_is_binned(tmp_path):
    events = recording(height=13, width=20)
    clip = load_clip(save(tmp_path / "e.npz", events, height=13, width=20), RECIPE)
    assert (clip.tensor[:, 0].numpy() == counted(events, 4, (5, 7), (13, 20), 10_000)).all()
    assert clip.info["size"] == [13, 20]


def test_structured_and_signed(tmp_path):
    events = recording()
    table = np.zeros(300, [("x", "u2"), ("y", "u2"), ("t", "i8"), ("p", "i1")])
    for name in "txy":
        table[name] = events[name]
    table["p"] = np.where(events["p"], 1, -1)
    np.save(tmp_path / "e.npy", table)
    first = load_clip(tmp_path / "e.npy", RECIPE).tensor
    assert (first == load_clip(save(tmp_path / "e.npz", events), RECIPE).tensor).all()


def test_counts_already_binned(tmp_path):
    counts = np.random.default_rng(0).integers(0, 4, (6, 2, 5, 7))
    np.save(tmp_path / "c.npy", counts)
    clip = load_clip(tmp_path / "c.npy", RECIPE)
    assert (clip.tensor[:, 0].numpy() == counts[:4]).all() and clip.kind == "graded"
    np.save(tmp_path / "c.npy", -counts)
    with pytest.raises(ClipError, match="a count of -3"):
        load_clip(tmp_path / "c.npy", RECIPE)
    np.save(tmp_path / "c.npy", counts.astype(np.float32))
    with pytest.raises(ClipError, match="float32"):
        load_clip(tmp_path / "c.npy", RECIPE)


def change(name, index, value):
    def apply(events):
        column = events[name].astype(np.float64 if isinstance(value, float) else np.int64)
        column[index] = value
        return {**events, name: column}

    return apply


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (change("t", 0, -5), "t = -5 at event 0"),
        (change("t", 10, 1_059_999), "time running back from 1059999 to .* at event 11; sort"),
        (change("x", 3, 7), r"x = 7 at event 3, outside 0..6; .*'height' and 'width'"),
        (change("y", 3, -1), "y = -1 at event 3, outside 0..4"),
        (change("p", 3, 2), r"polarities \[0, 1, 2\]"),
        (change("t", 3, 1000000.5), "t = 1000000.5 at event 3; .*microseconds"),
        (change("x", 3, float("nan")), "x = nan at event 3"),
        (lambda e: {**e, "x": e["x"][:-1]}, "lengths .300, 299, 300, 300."),
        (lambda e: {k: v[:0] for k, v in e.items()}, "no events"),
        (lambda e: {**e, "y": e["y"][:, None]}, "y as uint16"),
        (lambda e: {**e, "t": e["t"] // 1000}, "1 bins of 10 ms in .*microseconds.* needs 4"),
        (lambda e: {**e, "height": 0, "width": 3}, "height and width"),
        (lambda e: {**e, "p": np.array([object()])}, "pickle"),
    ],
)
def test_bad_events(tmp_path, spoil, found):
    path = save(tmp_path / "bad.npz", spoil(recording()))
    with pytest.raises(ClipError, match=f"at 'bad.npz': found .*{found}") as caught:
        load_clip(path, RECIPE)
    assert "\n" not in str(caught.value)


def test_wrong_kind_of_model(tmp_path, write_video):
    path = save(tmp_path / "e.npz", recording())
    with pytest.raises(ClipError, match="events, while the model takes rgb"):
        load_clip(path, Recipe(4, (5, 7)))
    with pytest.raises(ClipError, match="frames, while the model takes events"):
        load_clip(write_video("a.mp4", 3), RECIPE)
    with pytest.raises(ClipError, match="without a bin width.*--bin-ms"):
        load_clip(path, Recipe(4, (5, 7), channels="events"))
    with pytest.raises(ClipError, match="at bin_ms: found -1"):
        load_clip(path, RECIPE, bin_ms=-1)


def windowed(events, recipe, span, offset=0):
    return count_window(Path("e.npz"), events, recipe, span, lambda room: min(offset, room))


def test_a_window_counts_what_lies_in_span_and_bins():
    events = recording()
    begin, end = 1_007_000, 1_042_500
    inside = (events["t"] >= begin) & (events["t"] < end)
    kept = {name: values[inside] for name, values in events.items()}
    kept["t"] = np.concatenate([[begin], kept["t"]])  # ``counted`` begins at the first event
    for name in "xyp":
        kept[name] = np.concatenate([[0], kept[name]])
    expected = counted(kept, 4, (5, 7), (5, 7), 10_000)
    expected[0, 0, 0, 0] -= 1
    assert (windowed(events, RECIPE, (begin, end)) == expected).all()
    assert expected[3].sum() < expected[2].sum()  # the span ends inside the last bin


def test_a_window_is_placed_in_the_room():
    events = recording()
    moved = windowed(events, RECIPE, None, offset=5_000)
    first = int(events["t"][0]) + 5_000
    assert (moved == windowed(events, RECIPE, (first, first + 40_000))).all()
    assert (windowed(events, RECIPE, None, 10**9) == windowed(events, RECIPE, None, 20_001)).all()


def test_without_a_width_the_bins_share_the_span():
    events = recording()
    recipe = Recipe(frames=7, size=(5, 7), channels="events")
    found = windowed(events, recipe, (1_000_000, 1_030_000))
    width = Fraction(30_000, 7)
    bins = [int((int(t) - 1_000_000) // width) for t in events["t"]]
    assert found.sum((1, 2, 3)).tolist() == [bins.count(k) for k in range(7)]
