"""The whole way: a path and a recipe to a clip and its record."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from neurosim.data import Recipe, load_clip, read_frames
from neurosim.errors import ClipError


def test_video_clip_and_its_record(write_video):
    path = write_video("a.mp4")
    recipe = Recipe(8, (16, 16), 5, 20)
    clip = load_clip(str(path), recipe)
    assert tuple(clip.tensor.shape) == (8, 1, 3, 16, 16) and clip.tensor.dtype == torch.float32
    assert clip.kind == "real"
    info = json.loads(json.dumps(clip.info))
    assert info["source"] == "a.mp4" and info["fps"] == 30 and info["size"] == [32, 48]
    assert info["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert info["frames"] == list(range(0, 40, 5))
    assert info["seconds"] == pytest.approx([k / 6 for k in range(8)])
    assert Recipe.from_dict(info["recipe"]) == recipe


def test_clip_agrees_with_read_frames(write_video):
    path = write_video("a.mp4")
    clip = load_clip(path, Recipe(5, (32, 48), 3))
    expected = (read_frames(path, 5, 3) / 255 - 0.45) / 0.225
    found = clip.tensor[:, 0].permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_damage_is_taken_only_when_asked_for(write_video):
    path = write_video("a.mp4", faststart=True)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.75)])
    recipe = Recipe(30, (8, 8))
    with pytest.raises(ClipError, match="allow_damaged=True|truncated"):
        load_clip(path, recipe)
    clip = load_clip(path, Recipe(10, (8, 8)), allow_damaged=True)
    assert clip.info["allow_damaged"] is True


@pytest.mark.parametrize(
    ("name", "found"),
    [("none.mp4", "no such file; check the path"), ("a.xyz", "the extension '.xyz'; give one of")],
)
def test_paths(tmp_path, name, found):
    (tmp_path / "a.xyz").write_text("?")
    with pytest.raises(ClipError, match=f"at '{name}': found {found}"):
        load_clip(tmp_path / name, Recipe(1, (4, 4)))


def test_folder_called_mp4(tmp_path):
    (tmp_path / "dir.mp4").mkdir()
    with pytest.raises(ClipError, match="a folder without frames"):
        load_clip(tmp_path / "dir.mp4", Recipe(1, (4, 4)))


def test_neither_file_nor_folder():
    with pytest.raises(ClipError, match="neither a file nor a folder"):
        load_clip(os.devnull, Recipe(1, (4, 4)))
    with pytest.raises(ClipError, match="at 'a.*: found .*; check the path"):
        load_clip("a\0b.mp4", Recipe(1, (4, 4)))
    with pytest.raises(ClipError, match="; check the path"):
        load_clip("a" * 5000 + ".mp4", Recipe(1, (4, 4)))


@pytest.mark.parametrize(
    "options", [{"stride": 0}, {"frames": 0}, {"start_seconds": -1.0}, {"fps": 0.0}]
)
def test_impossible_choices(write_video, options):
    with pytest.raises(ClipError, match="at frame choice"):
        read_frames(write_video("a.mp4", 3), **options)


def test_forbidden_file(write_video, monkeypatch):
    path = write_video("a.mp4", 3)
    monkeypatch.setattr("neurosim.data.pictures.os.access", lambda *_: False)
    with pytest.raises(ClipError, match="'a.mp4': found .* may not be read; check its rights"):
        load_clip(path, Recipe(1, (4, 4)))


def test_importing_the_room_imports_nothing_heavy():
    code = (
        "import sys, neurosim.data as d; d.Recipe; dir(d);"
        "print([m for m in ('av', 'torch', 'numpy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
