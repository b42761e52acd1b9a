"""AEDAT 3.1, the format of DVS128 Gesture's recordings (iniVation's pages on file formats).

Text lines that start with '#' and end with CR LF, the first "#!AER-DAT3.1", the last
"#!END-HEADER"; then packets, all numbers little-endian. A packet's header, 28 bytes: type int16
(1: polarity), source int16, bytes per event int32, offset of the time in an event int32, overflows
of the time int32, capacity int32, events int32, valid events int32; then capacity × bytes. A
polarity event, 8 bytes: uint32 with valid in bit 0, polarity in bit 1, y in bits 2 … 16, x in bits
17 … 31, then int32 microseconds; the full time is overflows · 2^31 + that. The origin is the upper
left corner. Packets of other types, and events that are not valid, are left out. The header's
"#Source 1: DVS128" names the camera, and so the size of its sensor.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurosim.data.pictures import fault
from neurosim.errors import ClipError

_HEADER = struct.Struct("<hhiiiiii")
_EVENT = np.dtype([("data", "<u4"), ("time", "<i4")])
_POLARITY = 1
_END = b"#!END-HEADER\r\n"
_FIRST = b"#!AER-DAT3.1\r\n"
_SENSORS = {b"DVS128": (128, 128), b"DAVIS240": (180, 240), b"DAVIS346": (260, 346)}


def read_aedat3(path: Path, span: tuple[int, int] | None = None) -> dict[str, np.ndarray]:
    """t (µs, int64), x, y, p (0, 1) of the events in ``span`` [begin, end); None: of all.

    And height and width, of a camera that is known.
    Raises ClipError: another format, damaged or truncated, no event in the span.
    """
    data = _mapped(path)
    parts = [_inside(times, events, span) for times, events in _packets(path, data)]
    kept = [part for part in parts if len(part[0])]
    if not kept:
        where = f"no events from {span[0]} to {span[1]} µs" if span else "no polarity events"
        raise fault(path, where, "check its table of labels, or fetch it again")
    t, word = (np.concatenate(column) for column in zip(*kept, strict=True))
    bits = word.astype(np.int64)
    events = {"t": t, "x": bits >> 17 & 0x7FFF, "y": bits >> 2 & 0x7FFF, "p": bits >> 1 & 1}
    return events | _sensor(data)


def _sensor(data: np.ndarray) -> dict[str, np.ndarray]:
    camera = re.search(rb"^#Source \d+: (\w+)", data[:65536].tobytes(), re.MULTILINE)
    for name, size in _SENSORS.items():
        if camera and camera[1].startswith(name):
            return dict(zip(("height", "width"), map(np.array, size), strict=True))
    return {}


def _mapped(path: Path) -> np.ndarray:
    """The file's bytes, read where they are touched."""
    if not path.stat().st_size:
        raise fault(path, "an empty file", "fetch it again")
    data = np.memmap(path, np.uint8, "r")
    if not data[: len(_FIRST)].tobytes().startswith(_FIRST):
        raise fault(path, "a file that is not AEDAT 3.1", "give the recording as it was released")
    return data


def _packets(path: Path, data: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(times, words) of each polarity packet's events."""
    at = _body(path, data)
    while at < len(data):
        if at + _HEADER.size > len(data):
            raise _cut(path, at)
        head = data[at : at + _HEADER.size].tobytes()
        kind, _, size, _, overflow, capacity, number, _ = _HEADER.unpack(head)
        at += _HEADER.size
        if size < 1 or not 0 <= number <= capacity or (kind == _POLARITY and size != 8):
            raise fault(path, f"a damaged packet at byte {at}", "fetch it again")
        if at + size * capacity > len(data):
            raise _cut(path, at)
        if kind == _POLARITY and number:
            events = data[at : at + 8 * number].view(_EVENT)
            yield events["time"].astype(np.int64) + (overflow << 31), events["data"]
        at += size * capacity


def _inside(
    times: np.ndarray, words: np.ndarray, span: tuple[int, int] | None
) -> tuple[np.ndarray, np.ndarray]:
    used = words & 1 == 1
    if span is not None:
        used &= (times >= span[0]) & (times < span[1])
    return times[used], words[used]


def _body(path: Path, data: np.ndarray) -> int:
    """Where the packets begin."""
    head = data[:65536].tobytes()
    at = head.find(_END)
    if at < 0:
        raise fault(path, "a header without an end", "fetch it again")
    return at + len(_END)


def _cut(path: Path, at: int) -> ClipError:
    return fault(path, f"a truncated recording: it ends inside the packet at byte {at}", "fetch it")
