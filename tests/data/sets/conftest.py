"""Miniatures of the real layouts: short films whose frames say their number, small recordings."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import av
import lz4.frame
import numpy as np
import pytest
import torch
from flatbuffers import Builder

LEVEL, STEP = 20, 5
CODECS = {".avi": "mpeg4", ".mp4": "libx264", ".webm": "libvpx-vp9", ".mkv": "libx264"}
QUALITY = {
    "mpeg4": {"qmax": "3"},
    "libx264": {"bf": "2", "preset": "ultrafast", "crf": "10"},
    "libvpx-vp9": {"crf": "10", "b": "0", "deadline": "realtime", "cpu-used": "8"},
}
Event = tuple[int, int, int, bool]  # t (µs), x, y, brighter


def film(
    path: Path,
    frames: Iterable[int] = range(12),
    *,
    size: tuple[int, int] = (32, 48),
    codec: str | None = None,
    pictures: Sequence[np.ndarray] | None = None,
) -> Path:
    """A video whose frames are the gray levels of these numbers (below 48), or the pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = pictures or [np.full((*size, 3), LEVEL + STEP * n, np.uint8) for n in frames]
    name = codec or CODECS[path.suffix]
    with av.open(path, "w") as container:
        stream = container.add_stream(name, rate=30, options={"threads": "1"} | QUALITY[name])
        stream.height, stream.width = shown[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for i, rgb in enumerate(shown):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def numbers(frames: torch.Tensor) -> list[int]:
    """The numbers that (T, 3, H, W) uint8 frames say."""
    return [round((float(f) - LEVEL) / STEP) for f in frames.float().mean((1, 2, 3))]


def recording(begin: int, count: int, gap: int = 1000, side: int = 128) -> list[Event]:
    """``count`` events from ``begin``, ``gap`` µs apart, over the whole sensor."""
    return [
        (begin + i * gap, (7 * i + begin) % side, (11 * i) % side, i % 3 == 0) for i in range(count)
    ]


def counts(
    events: Iterable[Event], begin: int, width: float, size: tuple[int, int, int], side: int = 128
) -> np.ndarray:
    """(T, 2, H, W) by a loop over the events; those outside the bins are left out."""
    out = np.zeros((size[0], 2, *size[1:]), np.float32)
    for t, x, y, p in events:
        k = int((t - begin) // width)
        if 0 <= k < size[0]:
            out[k, int(p), y * size[1] // side, x * size[2] // side] += 1
    return out


def aedat3(path: Path, packets: Sequence[Sequence[Event]], *, overflow: int = 0) -> Path:
    """AEDAT 3.1 with a special packet (type 0) before, and an invalid event in, each packet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n"
    data += b"#Start-Time: 2015-10-15 12:00:00 (TZ+0200)\r\n#!END-HEADER\r\n"
    for events in packets:
        data += struct.pack("<hhiiiiii", 0, 1, 8, 4, overflow, 1, 1, 1) + struct.pack("<Ii", 3, 7)
        words = [(x << 17 | y << 2 | p << 1 | 1, t - (overflow << 31)) for t, x, y, p in events]
        words.insert(1, (5 << 17 | 5 << 2, words[0][1]))
        many = len(words)
        data += struct.pack("<hhiiiiii", 1, 1, 8, 4, overflow, many, many, many - 1)
        data += b"".join(struct.pack("<Ii", *word) for word in words)
    path.write_bytes(data)
    return path


XML = """<dv version="2.0"><node name="outInfo" path="/outInfo/">
<node name="0" path="/outInfo/0/"><attr key="typeIdentifier" type="string">FRME</attr></node>
<node name="1" path="/outInfo/1/"><attr key="compression" type="string">LZ4</attr>
<attr key="typeIdentifier" type="string">EVTS</attr><node name="info" path="/outInfo/1/info/">
<attr key="sizeX" type="int">{side}</attr><attr key="sizeY" type="int">{side}</attr></node></node>
</node></dv>"""


def aedat4(
    path: Path,
    packets: Sequence[Sequence[Event]],
    *,
    side: int = 128,
    compression: int = 1,
    table: bool = True,
    xml: str = XML,
) -> Path:
    """AEDAT 4: events on stream 1, a packet of another stream first, and a table behind them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = b"".join(
        struct.pack("<ii", number, len(packed)) + packed
        for number, packed in [(0, b"a frame, not read")]
        + [(1, _packed(_evts(events), compression)) for events in packets]
    )
    head = b"#!AER-DAT4.0\r\n"
    ends = len(head + _iohe(compression, 1, xml.format(side=side)) + body)
    data = head + _iohe(compression, ends if table else -1, xml.format(side=side)) + body
    path.write_bytes(data + (b"FTAB follows here" if table else b""))
    return path


def _packed(body: bytes, compression: int) -> bytes:
    return lz4.frame.compress(body) if compression in (1, 2) else body


def _iohe(compression: int, table: int, xml: str) -> bytes:
    builder = Builder(0)
    text = builder.CreateString(xml)
    builder.StartObject(3)
    builder.PrependInt32Slot(0, compression, 0)
    builder.PrependInt64Slot(1, table, -1)
    builder.PrependUOffsetTRelativeSlot(2, text, 0)
    builder.FinishSizePrefixed(builder.EndObject(), b"IOHE")
    return bytes(builder.Output())


def _evts(events: Sequence[Event]) -> bytes:
    builder = Builder(0)
    builder.StartVector(16, len(events), 8)
    for t, x, y, p in reversed(events):
        builder.Prep(8, 16)
        builder.Pad(3)
        builder.PrependBool(p)
        builder.PrependInt16(y)
        builder.PrependInt16(x)
        builder.PrependInt64(t)
    vector = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, vector, 0)
    builder.FinishSizePrefixed(builder.EndObject(), b"EVTS")
    return bytes(builder.Output())


def columns(events: Sequence[Event]) -> dict[str, np.ndarray]:
    """t, x, y, p as arrays."""
    t, x, y, p = (np.array(column) for column in zip(*events, strict=True))
    return {"t": t, "x": x, "y": y, "p": p}


@pytest.fixture(scope="session", name="film")
def _film() -> Callable[..., Path]:
    return film


@pytest.fixture(scope="session", name="numbers")
def _numbers() -> Callable[[torch.Tensor], list[int]]:
    return numbers


@pytest.fixture(scope="session", name="recording")
def _recording() -> Callable[..., list[Event]]:
    return recording


@pytest.fixture(scope="session", name="counts")
def _counts() -> Callable[..., np.ndarray]:
    return counts


@pytest.fixture(scope="session", name="columns")
def _columns() -> Callable[..., dict[str, np.ndarray]]:
    return columns


@pytest.fixture(scope="session", name="aedat3")
def _aedat3() -> Callable[..., Path]:
    return aedat3


@pytest.fixture(scope="session", name="aedat4")
def _aedat4() -> Callable[..., Path]:
    return aedat4


@pytest.fixture(scope="session", name="aedat4_header")
def _aedat4_header() -> str:
    return XML
