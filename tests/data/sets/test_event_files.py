"""Event recordings of every accepted kind, sorted by class."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from neurosim.data import Recipe, sets
from neurosim.errors import ClipError

RECIPE = Recipe(4, (16, 16), channels="events", bin_ms=20)


@pytest.fixture
def root(tmp_path, recording, columns, aedat3, aedat4):
    events = recording(5_000, 200)
    fields = columns(events)
    home = tmp_path / "test"
    (home / "wave").mkdir(parents=True)
    aedat4(home / "clap" / "1.aedat4", [events[:120], events[120:]])
    aedat3(home / "clap" / "2.aedat", [events])
    np.savez(home / "clap" / "10.npz", **fields, height=128, width=128)
    with h5py.File(home / "wave" / "a.h5", "w") as file:
        file.attrs["height"], file.attrs["width"] = 128, 128
        for name, values in fields.items():
            file[f"events/{name}"] = values
    (home / "wave" / "notes.txt").touch()
    (tmp_path / "train" / "bow").mkdir(parents=True)
    dtype = [("t", "u8"), ("x", "u2"), ("y", "u2"), ("p", "i1")]
    np.save(tmp_path / "train" / "bow" / "s.npy", np.array(events, dtype))
    return tmp_path


def test_every_kind_of_file_holds_the_same_events(root, recording, counts):
    large = Recipe(4, (128, 128), channels="events", bin_ms=20)
    data = sets.open("event_files", root, recipe=large)
    keys = ["test/clap/1.aedat4", "test/clap/2.aedat", "test/clap/10.npz", "test/wave/a.h5"]
    assert [item.key for item in data.items] == keys
    assert data.classes == ("bow", "clap", "wave") and data.labels == (1, 1, 1, 2)
    expected = counts(recording(5_000, 200), 5_000, 20_000, (4, 128, 128))
    for index in range(4):
        assert (data.frames(index, 0.0).numpy() == expected).all(), keys[index]
    train = sets.open("event_files", root, "train", recipe=large)
    assert train.labels == (0,) and (train.frames(0, 0.0).numpy() == expected).all()


def test_the_sensor_is_binned_to_the_recipe(root, recording, counts):
    data = sets.open("event_files", root, recipe=RECIPE)
    expected = counts(recording(5_000, 200), 5_000, 20_000, (4, 16, 16))
    assert expected.max() > 0 and (data.view(0).sum() == expected.sum())
    assert (data.frames(0, 0.0).numpy() == expected).all()


def test_a_recording_that_is_too_short_ends_in_silence(root):
    long = Recipe(4, (16, 16), channels="events", bin_ms=100)
    found = sets.open("event_files", root, recipe=long).frames(0)
    assert found.sum((1, 2, 3)).tolist() == [100, 100, 0, 0]


def test_folders_of_classes_alone_are_one_split(root):
    flat = root / "test"
    assert sets.open("event_files", flat, "all").labels == (0, 0, 0, 1)
    with pytest.raises(ClipError, match="found no split 'train' in .*; there is all"):
        sets.open("event_files", flat, "train")
    with pytest.raises(ClipError, match="found no split 'all' in .*; there is train, test"):
        sets.open("event_files", root, "all")


def test_bad_files_name_themselves(root):
    np.save(root / "test" / "clap" / "0.npy", np.zeros((5, 4)))
    (root / "test" / "clap" / "3.aedat4").write_bytes(b"#!AER-DAT4.0\r\nxx")
    (root / "test" / "wave" / "b.hdf5").write_bytes(b"\x89HDF\r\n\x1a\n")
    data = sets.open("event_files", root, recipe=RECIPE)
    with pytest.raises(ClipError, match=r"item 'test/clap/0.npy': at '0.npy': found .*t, x, y, p"):
        data.frames(0)
    kept = sets.open("event_files", root, recipe=RECIPE, skip_bad=True)
    bad = ["test/clap/0.npy", "test/clap/3.aedat4", "test/wave/b.hdf5"]
    assert [b.key for b in kept.skipped] == bad and len(kept) == 4
