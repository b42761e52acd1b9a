"""A file cut off between two frames decodes without an error: its container knows better."""

from __future__ import annotations

import av
import pytest

from neurosim.data.decode import count_pictures, pictures_at
from neurosim.data.sets._whole import check_whole
from neurosim.errors import ClipError


@pytest.mark.parametrize("name", ["a.avi", "a.mp4", "a.webm", "a.mkv"])
def test_cut_between_frames(tmp_path, film, name):
    path = film(tmp_path / name, range(20))
    check_whole(path)
    with av.open(path) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        ends = [p.pos + p.size for p in packets if p.pos is not None]
    path.write_bytes(path.read_bytes()[: sorted(ends)[12]])
    with pytest.raises(ClipError, match=rf"at '{name}': found a truncated file: \d+ of \d+ bytes"):
        check_whole(path)


@pytest.mark.parametrize("name", ["a.avi", "a.webm"])
def test_one_byte_is_enough(tmp_path, film, name):
    path = film(tmp_path / name, range(4))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ClipError, match="truncated"):
        check_whole(path)


def test_what_does_not_say_its_length_is_let_through(tmp_path, film):
    path = film(tmp_path / "a.webm", range(4))
    data = path.read_bytes()
    at = data.index(b"\x18\x53\x80\x67") + 4
    path.write_bytes(data[:at] + b"\x01" + b"\xff" * 7 + data[at + 8 : -20])  # a live recording
    check_whole(path)
    mp4 = film(tmp_path / "a.mp4", range(4))
    mp4.write_bytes(mp4.read_bytes() + bytes(100))
    check_whole(mp4)
    for content in (b"", b"text", b"\x1a\x45\xdf\xa3", b"RIFF"):
        path.write_bytes(content)
        if content == b"RIFF":
            continue
        check_whole(path)


@pytest.mark.parametrize("name", ["a.avi", "b.avi", "a.mp4", "a.webm", "a.mkv"])
def test_frames_by_number(tmp_path, film, name, numbers):
    codec = "libx264" if name == "b.avi" else None  # B-frames in AVI
    path = film(tmp_path / name, range(20), codec=codec)
    assert count_pictures(path) == (20, 30)
    import numpy as np
    import torch

    found = np.stack(pictures_at(path, [0, 3, 3, 11, 19, 25])).transpose(0, 3, 1, 2)
    assert numbers(torch.from_numpy(found)) == [0, 3, 3, 11, 19, 19]


def test_a_packet_that_is_cut_off_is_seen_without_decoding(tmp_path, film):
    path = film(tmp_path / "a.avi", range(20))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    with pytest.raises(ClipError, match="at 'a.avi': found a file cut off after .* whole frames"):
        count_pictures(path)
