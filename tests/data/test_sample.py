"""The built-in clip: the same pixels everywhere, written whole or not at all."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from neurosim.data import Recipe, load_clip, read_frames, sample_clip_path
from neurosim.data.sample import FRAMES, sample_frames
from neurosim.errors import StoreError


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache") / "deep"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROSIM_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def sample(cache):
    return sample_clip_path()


def test_it_is_a_real_clip_that_moves(sample):
    clip = load_clip(sample, Recipe(16, (224, 224), 4, 256))
    assert clip.info["codec"] == "h264" and clip.info["size"] == [240, 320]
    assert clip.tensor.diff(dim=0).abs().mean() > 0.05
    assert len(read_frames(sample, 64, 2)) == 64


def test_pictures_are_the_drawing(sample):
    for drawn, read in zip(islice(sample_frames(), 3), read_frames(sample, 3), strict=True):
        assert np.abs(drawn.astype(int) - read).mean() < 8


def test_drawing_is_pinned():
    digest = hashlib.sha256()
    frames = list(sample_frames())
    for frame in frames:
        digest.update(frame.tobytes())
    assert len(frames) == FRAMES
    assert digest.hexdigest() == "a9d8b3c2755a03d72467d80398a8f9c6aadc9f702d206150b81518d59314fb40"


def test_made_once_and_leaves_nothing_else(sample, cache):
    stamp = sample.stat().st_mtime_ns
    assert sample_clip_path() == sample and sample.stat().st_mtime_ns == stamp
    assert [p.name for p in cache.iterdir()] == [sample.name]


def test_two_processes_at_once(sample, tmp_path):
    code = "from neurosim.data import sample_clip_path as s; print(s())"
    env = {"NEUROSIM_CACHE": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [p.communicate()[1] for p in both] == [b"", b""]
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [sample.read_bytes()]  # byte for byte


def test_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StoreError, match="set NEUROSIM_CACHE to a folder that can"):
        sample_clip_path()


def test_interrupted_writing_leaves_nothing(tmp_path, monkeypatch):
    import neurosim.data.sample as room

    def full_disk(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    monkeypatch.setattr(room, "_encode", full_disk)
    with pytest.raises(StoreError, match="No space left on device"):
        sample_clip_path()
    assert not list(tmp_path.iterdir())
