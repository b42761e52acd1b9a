"""Clips that are arrays."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.data.recipe import Recipe
from neurosim.data.video import load_clip, read_frames
from neurosim.errors import ClipError

RECIPE = Recipe(frames=3, size=(4, 6), stride=2, mean=0.5, std=0.25)


def save(path, array):
    np.save(path, array)
    return path


def test_uint8_is_raw_video(tmp_path):
    video = np.arange(5)[:, None, None, None] * np.ones((1, 4, 6, 3), int) * 50
    clip = load_clip(save(tmp_path / "v.npy", video.astype(np.uint8)), RECIPE)
    expected = (np.array([0, 100, 200]) / 255 - 0.5) / 0.25
    assert tuple(clip.tensor.shape) == (3, 1, 3, 4, 6) and clip.kind == "real"
    np.testing.assert_allclose(clip.tensor[:, 0, 0, 0, 0].numpy(), expected, rtol=1e-5)
    assert clip.info["frames"] == [0, 2, 4] and clip.info["normalised"] == "by the recipe"


def test_one_channel_is_gray(tmp_path):
    video = np.arange(24, dtype=np.uint8).reshape(1, 4, 6, 1)
    found = read_frames(save(tmp_path / "g.npy", video))
    assert (found == np.repeat(video, 3, axis=3)).all()


def test_float_is_taken_as_normalised(tmp_path):
    values = np.random.default_rng(1).normal(size=(4, 3, 4, 6))
    for path in (save(tmp_path / "f.npy", values), tmp_path / "f.npz"):
        if path.suffix == ".npz":
            np.savez(path, anything=values)
        clip = load_clip(path, RECIPE)
        assert (clip.tensor[:, 0].numpy() == values[:3].astype(np.float32)).all()
        assert clip.info["normalised"] == "taken as already normalised"


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((3, 3, 4), np.float32), r"float32 \[3, 3, 4\]; give .*\[3, 3, 4, 6\]"),
        (np.zeros((3, 4, 6, 3), np.float32), r"float32 \[3, 4, 6, 3\]"),
        (np.zeros((3, 3, 4, 7), np.float32), r"\[3, 3, 4, 7\]"),
        (np.zeros((2, 3, 4, 6), np.float32), "2 frames; give at least 3"),
        (np.full((3, 3, 4, 6), np.nan), "nan at frame 0, channel 0, row 0, column 0"),
        (np.full((3, 3, 4, 6), 1e300), "inf at frame 0"),
        (np.zeros((4, 4, 6, 3), np.uint8), "4 frames, but 3 frames at stride 2 need 5"),
        (np.zeros((5, 3, 4, 6), np.uint8), r"uint8 \[5, 3, 4, 6\]; give uint8 \[T,H,W,C\]"),
        (np.zeros((5, 0, 6, 3), np.uint8), "an empty array"),
        (np.zeros((5, 4, 6, 3), np.int64), "int64"),
        (np.array(["a"]), "U1"),
        (np.array([{"a": 1}], object), "pickle"),
        (np.float32(3), r"float32 \[\]"),
    ],
)
def test_bad_arrays(tmp_path, array, found):
    path = tmp_path / "bad.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(ClipError, match=f"at 'bad.npy': found .*{found}") as caught:
        load_clip(path, RECIPE)
    assert "\n" not in str(caught.value)


def test_nan_names_its_place(tmp_path):
    values = np.zeros((3, 3, 4, 6), np.float32)
    values[2, 1, 3, 5] = -np.inf
    with pytest.raises(ClipError, match="-inf at frame 2, channel 1, row 3, column 5"):
        load_clip(save(tmp_path / "n.npy", values), RECIPE)


@pytest.mark.parametrize("name", ["bad.npy", "bad.npz"])
def test_damaged_files(tmp_path, name):
    path = tmp_path / name
    good = np.random.default_rng(0).normal(size=(3, 3, 4, 6))
    np.savez_compressed(path, clip=good) if name.endswith("z") else np.save(path, good)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:-200], whole[:40], whole[:8] + bytes(len(whole) - 8)):
        path.write_bytes(content)
        with pytest.raises(ClipError, match=f"at '{name}': found a") as caught:
            load_clip(path, RECIPE)
        assert "\n" not in str(caught.value)


def test_flipped_bytes_in_an_npz(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, clip=np.random.default_rng(0).normal(size=(3, 3, 4, 6)))
    data = bytearray(path.read_bytes())
    data[400:420] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(ClipError, match="a damaged array file"):
        load_clip(path, RECIPE)


def test_which_array(tmp_path):
    path = tmp_path / "two.npz"
    values = np.ones((3, 3, 4, 6), np.float32)
    np.savez(path, a=values, b=values)
    with pytest.raises(ClipError, match="the arrays a, b; keep one"):
        load_clip(path, RECIPE)
    np.savez(path, clip=values, b=values)
    assert load_clip(path, RECIPE).tensor.mean() == 1


def test_header_that_does_not_parse(tmp_path):
    path = save(tmp_path / "h.npy", np.zeros((3, 3, 4, 6)))
    path.write_bytes(path.read_bytes().replace(b"'shape': (", b"'shape': [", 1))
    with pytest.raises(ClipError, match="'h.npy': found a damaged array file"):
        load_clip(path, RECIPE)


class _Trap:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize("name", ["trap.npy", "trap.npz"])
def test_nothing_is_unpickled(tmp_path, name):
    trap = np.array([_Trap()], object)
    path = tmp_path / name
    np.savez(path, clip=trap) if name.endswith("z") else np.save(path, trap, allow_pickle=True)
    with pytest.raises(ClipError, match="pickle"):
        load_clip(path, RECIPE)
