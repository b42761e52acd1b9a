"""Frames by presentation time: numbered frames in, the right numbers out."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.data.video import read_frames
from neurosim.errors import ClipError

FORMATS = [
    ("a.mp4", "libx264"),
    ("a.mov", "libx264"),
    ("a.mkv", "libx264"),
    ("a.webm", "libvpx"),
    ("a.avi", "mpeg4"),
    ("b.avi", "libx264"),  # B-frames in AVI: packets stamped in decoding order
]


@pytest.mark.parametrize(("name", "codec"), FORMATS)
def test_constant_rate(write_video, read_numbers, name, codec):
    path = write_video(name, codec=codec)
    assert read_numbers(read_frames(path)) == list(range(40))
    assert read_numbers(read_frames(path, 4, 13)) == [0, 13, 26, 39]


@pytest.mark.parametrize("rate", [24, 25, 30, 60])
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_millisecond_stamps_lose_no_frame(write_video, read_numbers, rate, name):
    assert read_numbers(read_frames(write_video(name, rate=rate))) == list(range(40))


def test_variable_rate_takes_the_frame_on_screen(write_video, read_numbers):
    ticks = [0, 100, 200, 230, 260, 290, 600, 700, 800, 900]
    path = write_video("v.mp4", 10, ticks=ticks)
    shown = read_numbers(read_frames(path, 9, 1, fps=10))
    assert shown == [0, 1, 2, 5, 5, 5, 6, 7, 8]


def test_start_and_own_rate(write_video, read_numbers):
    path = write_video("a.mp4")
    assert read_numbers(read_frames(path, 3, 2, start_seconds=0.5)) == [15, 17, 19]
    assert read_numbers(read_frames(path, 3, fps=10)) == [0, 3, 6]


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_rotation_is_applied(write_video, turn):
    picture = np.full((32, 48, 3), 40, np.uint8)
    picture[:16, :16] = 220  # the corner tells the turns apart
    path = write_video("r.mp4", [picture] * 3, rotate=turn)
    expected = np.rot90(picture, turn // 90)  # PyAV: counter-clockwise
    found = read_frames(path, 1)[0]
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 4


@pytest.mark.parametrize("size", [(33, 47), (31, 48), (32, 49)])
def test_odd_sizes(write_video, size):
    ramp = np.broadcast_to(np.linspace(20, 230, size[1])[None, :, None], (*size, 3))
    picture = ramp.astype(np.uint8)
    found = read_frames(write_video("odd.mp4", [picture] * 3), 1)[0]
    assert found.shape == (*size, 3)
    assert np.abs(found.astype(int) - picture).mean() < 4


def test_too_short_says_how_many(write_video):
    with pytest.raises(ClipError) as caught:
        read_frames(write_video("a.mp4"), 16, 4)
    text = str(caught.value)
    assert "'a.mp4'" in text and "\n" not in text
    assert "40 frames (1.33 s at 30 fps)" in text
    assert "16 frames at stride 4 need 61 frames" in text and "stride 2" in text
    assert len(read_frames(write_video("a.mp4"), 16, 2)) == 16


def test_the_offered_stride_is_the_largest(write_video):
    path = write_video("a.mp4")
    assert len(read_frames(path, 14, 3)) == 14  # exactly all 40
    with pytest.raises(ClipError, match="or a recipe with stride 3$"):
        read_frames(path, 14, 4)
    with pytest.raises(ClipError, match="give a longer clip$"):
        read_frames(path, 41, 1)


def test_truncated(write_video):
    whole = write_video("w.mp4", faststart=True).read_bytes()
    path = write_video("t.mp4", 2)
    path.write_bytes(whole[: int(len(whole) * 0.75)])
    with pytest.raises(ClipError, match=r"'t.mp4': found .*(damaged|truncated)"):
        read_frames(path, 40)
    assert len(read_frames(path, 2)) == 2  # the damage comes after the frames used
    assert 2 < len(read_frames(path, allow_damaged=True)) < 40


def test_damage_in_the_middle(write_video):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(12)]
    path = write_video("d.mp4", noise, faststart=True)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    with pytest.raises(ClipError, match="damaged data after .* frames"):
        read_frames(path, 12)


def _playlist(name: str) -> bytes:
    return f"#EXTM3U\n#EXTINF:1,\n{name}\n".encode()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"not a video at all\n" * 40, "no readable video"),
        (_playlist("a.mp4"), "no readable video"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "no readable video"),
    ],
    ids=["empty", "text", "playlist", "script"],
)
def test_not_a_video(write_video, tmp_path, content, found):
    write_video("a.mp4", 3)
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    with pytest.raises(ClipError, match=f"at 'bad.mp4': found {found}.*; check") as caught:
        read_frames(path)
    assert "\n" not in str(caught.value)


def test_truncated_without_an_index(write_video):
    path = write_video("a.mp4")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ClipError, match="no readable video"):
        read_frames(path)


def test_sound_only(tmp_path):
    import av

    path = tmp_path / "s.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(ClipError, match="no picture track"):
        read_frames(path)


def test_nothing_on_stderr(write_video, capfd):
    whole = write_video("w.mp4", faststart=True)
    whole.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.75)])
    with pytest.raises(ClipError):
        read_frames(whole)
    captured = capfd.readouterr()
    assert captured.err == "" and captured.out == ""


def test_odd_file_names(write_video, read_numbers):
    for name in ("a%03d.mp4", "http:x.mp4", "tab\tand\nline.mp4"):
        assert read_numbers(read_frames(write_video(name, 3))) == [0, 1, 2]


def test_metadata_in_another_alphabet(tmp_path, write_video, read_numbers):
    path = write_video("m.mp4", 3)
    data = path.read_bytes()
    assert b"Lavf" in data
    path.write_bytes(data.replace(b"Lavf", b"\xb7\xff\xfe\xb7"))  # not UTF-8
    assert read_numbers(read_frames(path)) == [0, 1, 2]
