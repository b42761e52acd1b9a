"""Whether a video file is as long as its own container says: a file cut off between two frames
decodes without an error, only shorter.

Read are RIFF (AVI: the size of the form), ISO BMFF (MP4: the sizes of the outer boxes, ISO/IEC
14496-12 4.2) and EBML (WebM, Matroska: the size of the segment, RFC 8794 and 9559).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from neurosim.data.pictures import fault

_SEGMENT = b"\x18\x53\x80\x67"
_EBML = b"\x1a\x45\xdf\xa3"


def check_whole(path: Path) -> None:
    """Raises ClipError: the file is shorter than it says."""
    size = path.stat().st_size
    with path.open("rb") as file:
        said = _said(file, size)
    if said > size:
        found = f"a truncated file: {size} of {said} bytes"
        raise fault(path, found, "check that the file is complete, or fetch it again")


def _said(file: BinaryIO, size: int) -> int:
    """Bytes the file must have; 0 where it does not say."""
    head = file.read(12)
    if head.startswith(b"RIFF"):
        return 8 + struct.unpack("<I", head[4:8])[0]
    if head.startswith(_EBML):
        return _segment_end(head + file.read(4096))
    if head[4:8] == b"ftyp":
        return _boxes_end(file, size)
    return 0


def _boxes_end(file: BinaryIO, size: int) -> int:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, kind, long = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        if length == 0 or not kind.isalnum():  # to the end of the file; something behind the boxes
            return size
        at += max(long if length == 1 else length, 8)
    return at


def _segment_end(data: bytes) -> int:
    header, width = _number(data, 4)
    at = 4 + width + header
    if data[at : at + 4] != _SEGMENT:
        return 0
    length, width = _number(data, at + 4)
    unknown = (1 << 7 * width) - 1  # a live recording does not know
    return 0 if length == unknown else at + 4 + width + length


def _number(data: bytes, at: int) -> tuple[int, int]:
    """(value, bytes) of an EBML number: leading zeros of its first byte tell its width."""
    if at >= len(data) or not data[at]:
        return 0, 1
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big")
    return value & ((1 << 7 * width) - 1), width
