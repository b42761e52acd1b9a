"""Frames out of a video file by presentation time, one at a time (PyAV).

The frame used for time t is the one on screen: the last whose presentation time is not after t.
Times are exact fractions counted from the first frame; containers round them to their own tick
(Matroska: 1 ms), so t may be early by a tick. Nothing is sought and nothing is kept: a long file
needs no more memory than a short one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from neurosim.data.pictures import Picture, Selection, fault, too_short
from neurosim.errors import ClipError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv")
# a playlist or a script in disguise would open other files: only real containers are read
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm"
_AGAIN = "check that the file is complete, or fetch it again"


@dataclass(frozen=True, eq=False)
class _Shown:
    """A decoded frame, on screen in [start, start + duration), seconds from the first frame."""

    index: int
    start: Fraction
    duration: Fraction
    frame: VideoFrame


@dataclass(frozen=True, eq=False)
class _Video:
    """An open file, its picture track, what is wanted of it, and at which frame rate."""

    path: Path
    container: InputContainer
    stream: VideoStream
    want: Selection
    fps: Fraction


def video_pictures(path: Path, want: Selection) -> Iterator[Picture]:
    """The chosen frames of a video, upright, in RGB.

    Raises ClipError: not a video, no picture in it, damaged within the frames used, or too short.
    """
    with path.open("rb") as file, _container(path, file) as container:
        stream = _stream(path, container, want.allow_damaged)
        video = _Video(path, container, stream, want, _rate(path, stream, want))
        source = {
            "fps": float(video.fps),
            "codec": stream.codec_context.name,
            "container": container.format.name,
        }
        for shown in _choose(video):
            yield Picture(shown.index, float(shown.start), upright(shown.frame), source)


def count_pictures(path: Path) -> tuple[int, Fraction]:
    """(frames, frames a second) of a video, from its packets, without decoding a frame.

    Packets that carry no frame of their own (a VP8 reference that is never shown) are counted too.
    Raises ClipError: not a video, no picture in it, or a packet that is cut off.
    """
    with path.open("rb") as file, _container(path, file) as container:
        stream = _stream(path, container, allow_damaged=True)
        count = sum(_whole_packets(path, container, stream))
        if not count:
            raise fault(path, "a video without a single frame", _AGAIN)
        return count, _rate(path, stream, Selection(None))


def _whole_packets(path: Path, container: InputContainer, stream: VideoStream) -> Iterator[bool]:
    """For each packet, whether it is shown."""
    from av.error import FFmpegError

    try:
        for number, packet in enumerate(container.demux(stream)):
            if packet.is_corrupt:
                raise fault(path, f"a file cut off after {number} whole frames", _AGAIN)
            yield bool(packet.size) and not packet.is_discard
    except (FFmpegError, OSError) as error:
        raise fault(path, f"damaged data ({error.strerror})", _AGAIN) from None


def pictures_at(path: Path, indices: Sequence[int]) -> list[np.ndarray]:
    """The frames with these numbers (from 0, rising), upright, (H, W, 3) uint8 each.

    A number past the end stands for the last frame. Decoding goes from the first frame to the last
    one asked for, so that no frame depends on where the container can be entered.
    Raises ClipError: as ``video_pictures``.
    """
    found: list[np.ndarray] = []
    last = None
    for number, frame in enumerate(_all_frames(path)):
        last, times = frame, indices.count(number)
        if times:
            found += [upright(frame)] * times
        if len(found) == len(indices):
            return found
    if last is None:
        raise fault(path, "a video without a single frame", _AGAIN)
    return found + [upright(last)] * (len(indices) - len(found))


def check_pictures(path: Path) -> None:
    """Decode all frames. Raises ClipError: damage anywhere."""
    for _ in _all_frames(path):
        pass


def _all_frames(path: Path) -> Iterator[VideoFrame]:
    with path.open("rb") as file, _container(path, file) as container:
        stream, want = _stream(path, container, allow_damaged=False), Selection(None)
        yield from _decoded(_Video(path, container, stream, want, _rate(path, stream, want)))


def _container(path: Path, file: BinaryIO) -> InputContainer:
    import av
    from av.error import FFmpegError

    if path.stat().st_size == 0:
        raise fault(path, "an empty file", _AGAIN)
    try:
        only = {"format_whitelist": _DEMUXERS}
        return av.open(file, "r", options=only, metadata_errors="replace")
    except (FFmpegError, OSError) as error:
        remedy = f"{_AGAIN}; readable are {', '.join(SUFFIXES)}"
        raise fault(path, f"no readable video ({error.strerror})", remedy) from None


def _stream(path: Path, container: InputContainer, allow_damaged: bool) -> VideoStream:
    from av.video.stream import VideoStream

    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise fault(path, "no picture track", "give a file with video in it")
    if not stream.codec_context:
        raise fault(path, "a codec that PyAV cannot decode", "re-encode it, for example to H.264")
    if not allow_damaged:
        stream.codec_context.options = {"err_detect": "explode"}
    return stream


def _rate(path: Path, stream: VideoStream, want: Selection) -> Fraction:
    if want.fps is not None:
        return Fraction(str(want.fps))
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise fault(path, "a video without a frame rate", "re-mux it, or give fps in the recipe")
    return Fraction(rate)


def _choose(video: _Video) -> Iterator[_Shown]:
    """The frame on screen at each wanted time."""
    want, fps = video.want, video.fps
    early = min(Fraction(video.stream.time_base or 0), 1 / (4 * fps))
    k, last = 0, None
    for last, until in _intervals(_timed(video)):
        while not want.done(k) and want.at(k, fps) + early < until:
            yield last
            k += 1
        if want.done(k):
            return
    if last is None:
        raise fault(video.path, "a video without a single frame", _AGAIN)
    if want.frames is not None or k == 0:
        raise _short(video, last)


def _intervals(frames: Iterator[_Shown]) -> Iterator[tuple[_Shown, Fraction]]:
    """Each frame with the time at which it leaves the screen."""
    previous = None
    for shown in frames:
        if previous is not None:
            yield previous, shown.start
        previous = shown
    if previous is not None:
        yield previous, previous.start + previous.duration


def _timed(video: _Video) -> Iterator[_Shown]:
    """Decoded frames at strictly increasing times; without a usable stamp: one frame later."""
    period = 1 / video.fps
    base = Fraction(video.stream.time_base or period)
    by_dts = video.container.format.name == "avi"  # AVI stamps packets in decoding order only
    first, start = None, Fraction(-1)
    for index, frame in enumerate(_decoded(video)):
        ticks = frame.dts if by_dts else frame.pts
        first = ticks if first is None else first
        time = None if ticks is None or first is None else (ticks - first) * base
        if time is None or time <= start:
            time = start + period if index else Fraction(0)
        start = time
        yield _Shown(index, time, frame.duration * base if frame.duration else period, frame)


def _decoded(video: _Video) -> Iterator[VideoFrame]:
    """Frames as they are shown. Raises ClipError at the first damage, unless it is allowed."""
    from av.error import FFmpegError

    count = 0
    packets = video.container.demux(video.stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
            damaged = packet.is_corrupt or any(frame.is_corrupt for frame in frames)
        except (FFmpegError, OSError):
            frames, damaged = [], True
        if damaged and not video.want.allow_damaged:
            found = f"damaged data after {count} whole frames"
            raise fault(video.path, found, f"{_AGAIN}, or pass allow_damaged=True")
        yield from frames
        count += len(frames)


def _short(video: _Video, last: _Shown) -> ClipError:
    want, announced = video.want, video.stream.frames
    end = last.start + last.duration
    there = f"{last.index + 1} frames ({float(end):.3g} s at {float(video.fps):.4g} fps)"
    if announced > last.index + 1:
        there += f" of the {announced} that the file announces (truncated)"
    room = (end - want.at(0, video.fps)) * video.fps  # frames after the start
    steps = max((want.frames or 1) - 1, 1)
    return too_short(video.path, want, there, int((room - Fraction(1, 4)) // steps))


def upright(frame: VideoFrame) -> np.ndarray:
    """RGB pixels as a player shows them.

    The display matrix moves pixel (p, q) to (a·p + c·q, b·p + d·q) plus a shift (ISO/IEC 14496-12,
    'tkhd'): either the axes stay (a, d) or they trade places (b, c), and a negative entry mirrors
    its axis.
    """
    rgb = frame.to_ndarray(format="rgb24", threads=1)  # small frames: threads cost more
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return rgb
    a, b, _, c, d = np.frombuffer(bytes(matrix), "=i4")[:5].tolist()
    down, right = (b, c) if abs(b) + abs(c) > abs(a) + abs(d) else (d, a)
    if (down, right) == (b, c):
        rgb = rgb.transpose(1, 0, 2)
    return np.ascontiguousarray(rgb[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1])
