"""A ``.nir`` file (HDF5) → ``Program``. Executes nothing, follows no link out of the file.

The layout is that of ``nir.write`` (nir 1.0): /version, and /node with ``type``, the fields of the
primitive, ``metadata``; a graph also has ``nodes`` and ``edges``. Read with h5py alone: the ``nir``
package builds Python objects from whatever keys a file holds, and infers shapes that are wrong for
grouped and non-square convolutions.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurosim.errors import NirError
from neurosim.exchange.nir.heap import sound_text
from neurosim.exchange.nir.record import Primitive, Program

DEEPEST, MOST_NODES = 16, 100_000
MOST_BYTES = 2**32  # of all arrays of a file, unpacked


def read_file(path: str | Path) -> Program:
    """The graph in a file. Raises NirError: no HDF5, no NIR graph, or something hostile in it."""
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise NirError(f"{path}: {found}; give a .nir file")
    try:
        with (
            path.open("rb") as raw,
            mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data,
            h5py.File(path, "r") as file,
        ):
            found = _Reader(path, data).node(_group(file, "node", path), "", 0)
    except NirError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        said = " ".join(str(error).split())[:120]
        raise NirError(f"{path}: cannot be read as NIR ({said}); export it anew") from None
    if isinstance(found, Primitive):
        raise NirError(f"{path}: holds one {found.kind}, not a graph; wrap it in a NIRGraph")
    return found


def _group(parent: Any, name: str, path: Path) -> Any:
    link = parent.get(name, getlink=True)
    if link is None:
        raise NirError(
            f"{path}: an HDF5 file without {parent.name.rstrip('/')}/{name}; not a NIR graph"
        )
    if not isinstance(link, h5py.HardLink):
        raise NirError(f"{path}: {parent.name}/{name} is a link; NIR files hold none")
    return parent[name]


class _Reader:
    """One file's limits: depth, nodes and bytes over the whole of it."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path, self.data, self.nodes, self.bytes = path, data, 0, 0

    def node(self, group: Any, place: str, depth: int) -> Primitive | Program:
        self.nodes += 1
        if depth > DEEPEST or self.nodes > MOST_NODES:
            raise NirError(f"{self.path}: at {place!r}: nested too deep, or too many nodes")
        if not isinstance(group, h5py.Group):
            raise self._fault(place, "is no group")
        fields = self.fields(group, place, depth)
        kind = fields.pop("type", None)
        if not isinstance(kind, str):
            raise self._fault(place, "has no type")
        metadata = fields.pop("metadata", {})
        metadata = metadata if isinstance(metadata, dict) else {}
        if kind != "NIRGraph":
            return Primitive(kind, fields, metadata)
        return self._program(group, fields, metadata, place, depth)

    def _program(
        self, group: Any, fields: dict[str, Any], metadata: dict[str, Any], place: str, depth: int
    ) -> Program:
        inside = _group(group, "nodes", self.path)
        if not isinstance(inside, h5py.Group):
            raise self._fault(place, "nodes is no group")
        nodes: dict[str, Primitive | Program] = {}
        for name in map(str, inside):
            inner = f"{place}.{name}".strip(".")
            nodes[name] = self.node(_group(inside, name, self.path), inner, depth + 1)
        edges = np.asarray(fields.get("edges", ()))
        if edges.size == 0:
            return Program(nodes, (), metadata)
        if edges.ndim != 2 or edges.shape[1] != 2:
            raise self._fault(place, f"edges of shape {edges.shape}, expects pairs of names")
        return Program(nodes, tuple((_text(a), _text(b)) for a, b in edges), metadata)

    def fields(self, group: Any, place: str, depth: int) -> dict[str, Any]:
        """Everything of a group but the nodes of a graph."""
        if depth > DEEPEST:
            raise self._fault(place, "is nested too deep")
        found: dict[str, Any] = {}
        for name in group:
            if name == "nodes":
                continue
            item = _group(group, name, self.path)
            if isinstance(item, h5py.Group):
                found[name] = self.fields(item, f"{place}.{name}", depth + 1)
            elif isinstance(item, h5py.Dataset):
                found[name] = self._value(item, f"{place}.{name}".strip("."))
            else:
                raise self._fault(f"{place}.{name}", "is neither a group nor an array")
        return found

    def _value(self, item: Any, place: str) -> Any:
        if item.external or item.is_virtual:
            raise self._fault(place, "keeps its numbers in another file")
        if item.shape is None:
            return None
        self.bytes += int(item.size) * max(1, item.dtype.itemsize)
        if self.bytes > MOST_BYTES:
            raise self._fault(place, f"more than {MOST_BYTES >> 30} GiB of arrays")
        if item.dtype.kind not in "biufSUO" or (
            item.dtype.kind == "O" and h5py.check_string_dtype(item.dtype) is None
        ):
            raise self._fault(place, f"holds {item.dtype}, not numbers or text")
        if item.dtype.kind == "O" and not sound_text(item, self.data):
            raise self._fault(place, "holds damaged text")
        value = item[()]
        return _text(value) if isinstance(value, (bytes, str)) else value

    def _fault(self, place: str, found: str) -> NirError:
        return NirError(f"{self.path}: at {place or 'the graph'!r}: {found}; export it anew")


def _text(value: Any) -> str:
    return value.decode("utf8") if isinstance(value, bytes) else str(value)
