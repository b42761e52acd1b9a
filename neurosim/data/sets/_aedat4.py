"""AEDAT 4, the format of iniVation's DV (its file format pages): the events of a recording.

"#!AER-DAT4.0" CR LF; a FlatBuffer of type IOHE behind its length (uint32): compression (int32),
position of the table of packets (int64, −1: none), and an XML tree that names the streams; then
packets: stream int32, bytes int32, and a FlatBuffer, perhaps in an LZ4 frame. A packet of type EVTS
is a vector of 16-byte events: time int64 (µs), x int16, y int16, polarity uint8, 3 bytes unused.
FlatBuffers are read here within bounds: the readers at hand trust them, and one ends the process
on a damaged file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from neurosim.data.pictures import fault
from neurosim.errors import ClipError

_FIRST = b"#!AER-DAT4.0\r\n"
_EVENT = np.dtype(
    {
        "names": ["t", "x", "y", "p"],
        "formats": ["<i8", "<i2", "<i2", "u1"],
        "offsets": [0, 8, 10, 12],
        "itemsize": 16,
    }
)
_PLAIN, _LZ4 = (0,), (1, 2)  # of the format's compression types; 3 and 4 are Zstandard


@dataclass(frozen=True)
class _Stream:
    """The event stream of a file."""

    number: int
    height: int
    width: int


def read_aedat4(path: Path) -> dict[str, np.ndarray]:
    """t (µs), x, y, p, height and width of the file's one event stream.

    Raises ClipError: another format, damaged or truncated, no event stream or several, a
    compression other than LZ4.
    """
    data = path.read_bytes()
    if not data.startswith(_FIRST):
        raise fault(path, "a file that is not AEDAT 4", "record or convert it with DV")
    try:
        parts = _read(path, data)
    except ClipError:
        raise
    except (struct.error, ValueError, RuntimeError, UnicodeDecodeError, ElementTree.ParseError):
        raise fault(path, "a damaged or truncated recording", "fetch it again") from None
    return parts


def _read(path: Path, data: bytes) -> dict[str, np.ndarray]:
    header, at = _prefixed(data, len(_FIRST), b"IOHE")
    compression, table = _scalar(header, 0, "<i", 0), _scalar(header, 1, "<q", -1)
    if compression not in _PLAIN + _LZ4:
        raise fault(path, f"compression {compression}", "save it again with LZ4 or without")
    stream = _event_stream(path, _text(header, 2))
    end = table if table > 0 else len(data)
    bodies = (body for number, body in _packets(data, at, end) if number == stream.number)
    events = [_events(_unpacked(body, compression)) for body in bodies]
    found = np.concatenate(events) if events else np.empty(0, _EVENT)
    size = {"height": np.array(stream.height), "width": np.array(stream.width)}
    return {**{name: found[name] for name in ("t", "x", "y", "p")}, **size}


def _packets(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """(stream, body) of all packets. Raises ValueError: one is cut off."""
    while at < end:
        number, size = struct.unpack_from("<ii", data, at)
        at += 8
        if size < 0 or at + size > min(end, len(data)):
            raise ValueError("cut off")
        yield number, data[at : at + size]
        at += size


def _unpacked(body: bytes, compression: int) -> bytes:
    if compression in _PLAIN:
        return body
    import lz4.frame

    return lz4.frame.decompress(body)


def _events(body: bytes) -> np.ndarray:
    buffer, _ = _prefixed(body, 0, b"EVTS")
    at = _field(buffer, 0)
    if at is None:
        return np.empty(0, _EVENT)
    vector = at + _number(buffer, "<I", at)
    return np.frombuffer(buffer, _EVENT, _number(buffer, "<I", vector), vector + 4)


def _event_stream(path: Path, text: str) -> _Stream:
    if "<!" in text:
        raise fault(path, "a document type in its header", "fetch it again")
    nodes = ElementTree.fromstring(text).iter("node")
    events = [node for node in nodes if _attribute(node, "typeIdentifier") == "EVTS"]
    if len(events) != 1:
        raise fault(path, f"{len(events)} event streams", "save one stream of events a file")
    info = events[0].find("node[@name='info']")
    if info is None:
        raise fault(path, "an event stream without a size", "save it again with DV")
    sides = (int(_attribute(info, key)) for key in ("sizeY", "sizeX"))
    return _Stream(int(events[0].get("name", "")), *sides)


def _attribute(node: ElementTree.Element, key: str) -> str:
    found = node.find(f"attr[@key='{key}']")
    return "" if found is None else found.text or ""


def _prefixed(data: bytes, at: int, kind: bytes) -> tuple[bytes, int]:
    """(FlatBuffer behind its length, where it ends). Raises ValueError: cut off, another type."""
    end = at + 4 + _number(data, "<I", at)
    buffer = data[at + 4 : end]
    if end > len(data) or buffer[4:8] != kind:
        raise ValueError("cut off, or of another type")
    return buffer, end


def _field(buffer: bytes, slot: int) -> int | None:
    """Where a field of the root table lies; None: it is not there, its default holds."""
    table = _number(buffer, "<I", 0)
    rows = table - _number(buffer, "<i", table)
    if 4 + 2 * slot >= _number(buffer, "<H", rows):
        return None
    offset = _number(buffer, "<H", rows + 4 + 2 * slot)
    return table + offset if offset else None


def _scalar(buffer: bytes, slot: int, form: str, default: int) -> int:
    at = _field(buffer, slot)
    return default if at is None else _number(buffer, form, at)


def _text(buffer: bytes, slot: int) -> str:
    at = _field(buffer, slot)
    if at is None:
        raise ValueError("no text")
    start = at + _number(buffer, "<I", at)
    return buffer[start + 4 : start + 4 + _number(buffer, "<I", start)].decode()


def _number(buffer: bytes, form: str, at: int) -> int:
    if at < 0:
        raise ValueError("outside")
    return struct.unpack_from(form, buffer, at)[0]
