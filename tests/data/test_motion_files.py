"""Clips on disk: the same bytes however made, whole or absent; no frame tells on another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial

import av
import numpy as np
import pytest

import neurosim.data.motion_files as files
from neurosim.data import read_frames
from neurosim.data.motion_draw import draw_clip, draw_extended
from neurosim.data.motion_events import film_events
from neurosim.data.motion_files import encode, generate, missing_clips, motion_path
from neurosim.errors import ClipError, StoreError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Five clips with events, drawn in this process."""
    folder = tmp_path_factory.mktemp("motion")
    generate(folder, 5, seed=3, workers=1, events=True)
    return folder


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*.*") if p.is_file()}


def test_every_clip_is_there_and_nothing_else(made):
    names = [f"{i:06d}{s}" for i in range(5) for s in (".mp4", ".npz")]
    assert sorted(contents(made)) == sorted(names)
    assert motion_path(made, 3, 4).is_file()
    assert missing_clips(made, 7, 3, events=True) == [5, 6] and missing_clips(made, 2, 4) == [0, 1]


def test_it_is_intra_coded_h264(made):
    with av.open(motion_path(made, 3, 0)) as container:
        stream = container.streams.video[0]
        packets = [p for p in container.demux(stream) if p.size]
        assert stream.codec_context.name == "h264" and float(stream.average_rate) == 25
        assert len(packets) == 16 and all(p.is_keyframe for p in packets)


def test_pictures_are_the_drawing(made):
    drawn = draw_clip(3, 1).astype(int)
    assert np.abs(read_frames(motion_path(made, 3, 1)) - drawn).mean() < 4


def test_a_decoded_frame_depends_on_its_own_alone(tmp_path):
    frames, order = draw_clip(0, 6), np.random.default_rng(0).permutation(16)
    encode(tmp_path / "a.mp4", frames)
    encode(tmp_path / "b.mp4", frames[order])
    encode(tmp_path / "c.mp4", np.repeat(frames[5:6], 3, axis=0))
    decoded = read_frames(tmp_path / "a.mp4")
    assert np.array_equal(read_frames(tmp_path / "b.mp4"), decoded[order])
    assert np.array_equal(read_frames(tmp_path / "c.mp4")[2], decoded[5])


def test_events_are_those_of_the_drawing(made):
    with np.load(motion_path(made, 3, 2, ".npz")) as saved:
        for name, values in film_events(draw_extended(3, 2)).items():
            assert np.array_equal(saved[name], values)
        assert saved["height"] == saved["width"] == 64


def test_processes_write_the_same_bytes(made, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_TASK", 2)
    generate(tmp_path, 5, seed=3, workers=2, events=True)
    assert contents(tmp_path) == contents(made)


def test_only_what_is_missing_is_made(tmp_path):
    generate(tmp_path, 2, workers=1)
    stamp = motion_path(tmp_path, 0, 0).stat().st_mtime_ns
    motion_path(tmp_path, 0, 1).write_bytes(b"")
    generate(tmp_path, 3, workers=1)
    assert motion_path(tmp_path, 0, 0).stat().st_mtime_ns == stamp
    assert all(motion_path(tmp_path, 0, i).stat().st_size > 1000 for i in range(3))
    generate(tmp_path, 1, workers=1, events=True)
    assert motion_path(tmp_path, 0, 0).stat().st_mtime_ns == stamp
    assert not missing_clips(tmp_path, 1, 0, events=True)


def test_killed_and_resumed(tmp_path, made):
    code = (
        f"from neurosim.data.motion_files import generate; generate({str(tmp_path)!r}, 9999, 3, 1)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        while not motion_path(tmp_path, 3, 1).exists():
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    generate(tmp_path, 5, seed=3, workers=1)
    for index in range(5):
        assert motion_path(tmp_path, 3, index).read_bytes() == (
            motion_path(made, 3, index).read_bytes()
        )


def test_interrupted_writing_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(path, frames):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "encode", full_disk)
    with pytest.raises(StoreError, match="No space left on device.*call again to go on"):
        generate(tmp_path, 2, workers=1)
    assert not contents(tmp_path)


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="give a folder that can be written"):
        generate(tmp_path / "file" / "data", 1)


def test_a_worker_that_dies(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_TASK", 1)
    monkeypatch.setattr(files, "_end_with_parent", partial(os._exit, 1))
    with pytest.raises(StoreError, match="a worker process died.*call again to go on"):
        generate(tmp_path, 2, workers=2)


def test_no_encoder(tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", frozenset())
    with pytest.raises(StoreError, match="no H.264 encoder"):
        generate(tmp_path, 1, workers=1)


@pytest.mark.parametrize(("number", "seed", "workers"), [(0, 0, 1), (1, -1, 1), (1, 0, 0)])
def test_arguments_out_of_range(tmp_path, number, seed, workers):
    with pytest.raises(ClipError, match="give at least"):
        generate(tmp_path, number, seed, workers)


def test_a_bar_on_request(tmp_path, capsys):
    generate(tmp_path, 1, workers=1, progress=True)
    assert "drawing clips" in capsys.readouterr().err
    generate(tmp_path, 2, workers=1)
    assert capsys.readouterr().err == ""
