"""DVS128 Gesture: recordings cut by their tables, and tonic's preprocessed arrays."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.data import Recipe, Views, sets
from neurosim.errors import ClipError

HEAD = "class,startTime_usec,endTime_usec\n"
BINS = Recipe(4, (128, 128), channels="events", bin_ms=20)


@pytest.fixture
def events(recording):
    """Half a second, an event a millisecond."""
    return recording(80_000_000, 500)


@pytest.fixture
def root(tmp_path, aedat3, events):
    home = tmp_path / "DvsGesture"
    for name in ("user01_fluorescent", "user24_led"):
        aedat3(home / f"{name}.aedat", [events[:200], events[200:350], events[350:]])
    (home / "trials_to_train.txt").write_text("user01_fluorescent.aedat\n\n")
    (home / "trials_to_test.txt").write_text("user24_led.aedat\n")
    rows = ["1,80000000,80100000", "8,80100500,80260000", "8,80250000,80400000"]  # they overlap
    (home / "user01_fluorescent_labels.csv").write_text(HEAD + "\n".join(rows) + "\n")
    (home / "user24_led_labels.csv").write_text(HEAD + "11,80300000,80450000\n")
    return tmp_path


def test_trials_are_cut_from_the_recording(root, events, counts):
    data = sets.open("dvs128_gesture", root, "train", recipe=BINS)
    assert data.form == "aedat" and data.kind == "graded" and data.labels == (0, 7, 7)
    assert len(data.classes) == 11 and data.classes[7] == "arm roll"
    assert [item.key for item in data.items] == [
        f"user01_fluorescent.aedat line {n}" for n in (2, 3, 4)
    ]
    for index, (begin, end) in enumerate([(0, 100_000), (100_500, 260_000), (250_000, 400_000)]):
        begin, end = begin + 80_000_000, end + 80_000_000
        inside = [e for e in events if begin <= e[0] < end]
        for place in (0.0, 0.5, 1.0):
            start = begin + int((end - begin - 80_000) * place)
            expected = counts(inside, start, 20_000, (4, 128, 128))
            found = data.frames(index, place)
            assert expected.sum() > 70 and (found.numpy() == expected).all()
    assert sets.open("dvs128_gesture", root, "test").labels == (10,)


def test_without_a_bin_width_the_bins_share_the_trial(root, events, counts):
    data = sets.open("dvs128_gesture", root, "train")
    assert data.recipe.frames == 16 and data.recipe.bin_ms is None
    inside = [e for e in events if e[0] < 80_100_000]
    expected = counts(inside, 80_000_000, 6250, (16, 128, 128))
    assert (data.view(0).numpy() == expected).all() and expected.sum() == 100
    assert (data.frames(0).numpy() == expected).all()


def test_views_of_events_are_windows(root, events, counts):
    small = Recipe(4, (32, 32), channels="events", bin_ms=5, binary=True)
    data = sets.open("dvs128_gesture", root, "train", recipe=small)
    assert data.kind == "spike"
    for clip in range(3):
        expected = counts(events, 80_000_000 + clip * 40_000, 5000, (4, 32, 32))
        assert (data.view(0, clip, Views(3, 1)).numpy() == np.minimum(expected, 1)).all()
    with pytest.raises(ClipError, match="3 crops of a clip that is not cropped"):
        data.view(0, 0, Views(1, 3))


def test_an_empty_span_is_a_bad_item(root):
    table = root / "DvsGesture" / "user01_fluorescent_labels.csv"
    table.write_text(HEAD + "1,80000000,80100000\n9,80200000,80150000\n10,90000000,91000000\n")
    with pytest.raises(ClipError, match="found 1 of 3 items .*line 3' .a span from 80200000 to"):
        sets.open("dvs128_gesture", root, "train")
    data = sets.open("dvs128_gesture", root, "train", skip_bad=True)
    assert data.labels == (0,)
    reasons = {bad.key[-6:]: bad.reason for bad in data.skipped}
    assert "which is empty" in reasons["line 3"]
    assert "'user01_fluorescent.aedat': found no events from 90000000 to" in reasons["line 4"]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("12,1,2", "no gesture's number"),
        ("0,1,2", "no gesture's number"),
        ("1,x,2", "'x' in line 2"),
    ],
)
def test_bad_tables(root, rows, found):
    (root / "DvsGesture" / "user24_led_labels.csv").write_text(HEAD + rows)
    with pytest.raises(ClipError, match=f"at 'user24_led_labels.csv': found .*{found}"):
        sets.open("dvs128_gesture", root)


def test_a_missing_recording_and_a_missing_table(root):
    (root / "DvsGesture" / "user24_led.aedat").unlink()
    with pytest.raises(ClipError, match="first 'user24_led.aedat line 2' .no such file"):
        sets.open("dvs128_gesture", root)
    (root / "DvsGesture" / "user24_led_labels.csv").unlink()
    with pytest.raises(ClipError, match="at 'user24_led_labels.csv': found no such file"):
        sets.open("dvs128_gesture", root)


@pytest.fixture
def preprocessed(tmp_path, recording):
    """tonic's: x, y, p, t in milliseconds; one person has a structured array in microseconds."""
    events = [(t // 1000, x, y, p) for t, x, y, p in recording(0, 400)]
    table = np.array([(x, y, p, t) for t, x, y, p in events], np.float64)
    for name in ("ibmGestureTrain/user02_lab", "ibmGestureTest/user25_led"):
        home = tmp_path / name
        home.mkdir(parents=True)
        for label in (0, 2, 10):
            np.save(home / f"{label}.npy", table)
    rows = [(x, y, t * 1000, p) for t, x, y, p in events]
    dtype = [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")]
    np.save(tmp_path / "ibmGestureTest/user25_led/2.npy", np.array(rows, dtype))
    return tmp_path


def test_preprocessed_is_found_and_agrees(preprocessed, recording, counts):
    data = sets.open("dvs128_gesture", preprocessed, "test", recipe=BINS)
    assert data.form == "preprocessed" and data.labels == (0, 2, 10)
    assert data.items[2].key == "ibmGestureTest/user25_led/10.npy"
    expected = counts(recording(0, 400), 0, 20_000, (4, 128, 128))
    for index in range(3):  # milliseconds and microseconds alike
        assert (data.frames(index, 0.0).numpy() == expected).all()
    assert len(sets.open("dvs128_gesture", preprocessed, "train", form="preprocessed")) == 3


def test_preprocessed_of_another_shape(preprocessed):
    np.save(preprocessed / "ibmGestureTest/user25_led/0.npy", np.zeros((5, 3)))
    data = sets.open("dvs128_gesture", preprocessed, "test")
    with pytest.raises(ClipError, match=r"item 'ibmGestureTest/user25_led/0.npy': .*\(N, 4\)"):
        data.frames(0)
    (preprocessed / "ibmGestureTest/user25_led/x.npy").touch()
    with pytest.raises(ClipError, match="no gesture's number at 'ibmGestureTest/user25_led/x.npy'"):
        sets.open("dvs128_gesture", preprocessed, "test")


def test_neither_form(tmp_path):
    with pytest.raises(
        ClipError, match="found neither .*trials_to_test.txt' nor .*ibmGestureTest'"
    ):
        sets.open("dvs128_gesture", tmp_path)
