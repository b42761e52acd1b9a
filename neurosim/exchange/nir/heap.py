"""Text of an HDF5 file, looked at before the library reads it.

HDF5 keeps strings of any length in "global heap collections" and loops without end in a damaged one
(seen: 1 file of 900 with random bytes changed). So the collections that a dataset of strings points
to are walked first. Layout: HDF5 File Format Specification 3.0, III.E "Global Heap", IV.A.2.d.
"""

from __future__ import annotations

import mmap
import struct
from typing import Any

_ENTRY = 16  # length (4), address of the collection (8), index in it (4)
_HEAD = 16  # of a collection and of an object in it


def sound_text(item: Any, data: mmap.mmap | bytes) -> bool:
    """Whether every string of the dataset ``item`` lies in a collection that is whole.

    ``data``: the file's bytes.
    """
    count = int(item.size or 0)
    offset, stored = item.id.get_offset(), item.id.get_storage_size()
    if not count or stored == 0:
        return True
    if item.chunks is not None or offset is None or stored != count * _ENTRY:
        return False  # not the layout that nir.write has
    base = item.file.userblock_size
    seen: dict[int, dict[int, int] | None] = {}
    for i in range(count):
        entry = data[offset + i * _ENTRY : offset + (i + 1) * _ENTRY]
        if len(entry) < _ENTRY:
            return False
        length, address, index = struct.unpack("<IQI", entry)
        if not length:
            continue
        if address not in seen:
            seen[address] = _collection(data, base + address)
        sizes = seen[address]
        if sizes is None or length > sizes.get(index, -1):
            return False
    return True


def _collection(data: mmap.mmap | bytes, start: int) -> dict[int, int] | None:
    """Object index → bytes, of one collection; None where it is not whole."""
    head = data[start : start + _HEAD]
    if len(head) < _HEAD or head[:5] != b"GCOL\x01":
        return None
    (size,) = struct.unpack("<Q", head[8:])
    if size < _HEAD or start + size > len(data):
        return None
    found: dict[int, int] = {}
    place = _HEAD
    while place + _HEAD <= size:
        at = start + place
        index, _, length = struct.unpack("<HH4xQ", data[at : at + _HEAD])
        if index == 0:  # what is left is free, its own head included
            return found if place + length == size else None
        if index in found or length > size - place - _HEAD:
            return None
        found[index] = length
        place += _HEAD + (length + 7) // 8 * 8
    return found
