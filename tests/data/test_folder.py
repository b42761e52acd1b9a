"""Folders of frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from neurosim.data.folder import natural_key, picture_files
from neurosim.data.recipe import Recipe
from neurosim.data.video import load_clip, read_frames
from neurosim.errors import ClipError


def write_picture(path, rgb):
    codec, pixels = {
        ".png": ("png", "rgb24"),
        ".jpg": ("mjpeg", "yuvj444p"),
        ".bmp": ("bmp", "bgr24"),
    }[path.suffix.lower()]
    context = av.CodecContext.create(codec, "w")
    context.height, context.width = rgb.shape[:2]
    context.pix_fmt, context.time_base = pixels, Fraction(1)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixels)
    path.write_bytes(b"".join(bytes(p) for p in [*context.encode(frame), *context.encode(None)]))


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(12):
        write_picture(folder / f"img{i}.png", np.full((10, 14, 3), 20 + 5 * i, np.uint8))
    (folder / "notes.txt").write_text("not a frame")
    (folder / "._img3.png").write_bytes(b"left by a file manager")
    return folder


def test_natural_order_and_stride(frames):
    assert [p.name for p in picture_files(frames)] == [f"img{i}.png" for i in range(12)]
    found = read_frames(frames, 4, 3)
    assert [int(f[0, 0, 0]) for f in found] == [20 + 5 * i for i in (0, 3, 6, 9)]


def test_natural_key():
    names = ["b1", "a10", "a2", "a02b", "2", "10"]
    ordered = sorted(map(Path, names), key=natural_key)
    assert [p.name for p in ordered] == ["2", "10", "a2", "a02b", "a10", "b1"]


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [(".png", 0), (".bmp", 0), (".jpg", 6), (".PNG", 0)]
)
def test_formats(tmp_path, suffix, tolerance):
    ramp = np.stack(np.broadcast_arrays(*np.ogrid[10:90:5, 20:180:7], 60), -1).astype(np.uint8)
    write_picture(tmp_path / f"0{suffix}", ramp)
    assert np.abs(read_frames(tmp_path)[0].astype(int) - ramp).max() <= tolerance


def test_fingerprint_follows_content(frames):
    recipe = Recipe(2, (8, 8))
    before = load_clip(frames, recipe).info
    assert before == load_clip(frames, recipe).info
    write_picture(frames / "img1.png", np.zeros((10, 14, 3), np.uint8))
    assert load_clip(frames, recipe).info["sha256"] != before["sha256"]
    assert before["frames"] == [0, 1] and before["seconds"] is None


def test_errors(frames, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ClipError, match="'empty': found a folder without frames; put .png"):
        read_frames(empty)
    with pytest.raises(ClipError, match="12 frames, but 4 frames at stride 4 need 13 .* stride 3$"):
        read_frames(frames, 4, 4)
    with pytest.raises(ClipError, match="has no times"):
        read_frames(frames, 2, fps=10)
    write_picture(frames / "img1.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ClipError, match="'img1.png': found a picture of 8x8 .* has 14x10"):
        read_frames(frames)


@pytest.mark.parametrize("content", [b"", b"text", b"cut"])
def test_unreadable_picture(frames, content):
    target = frames / "img2.png"
    target.write_bytes(target.read_bytes()[:60] if content == b"cut" else content)
    with pytest.raises(ClipError, match="'img2.png': found a .*picture.*; replace it"):
        read_frames(frames)
