"""A NIR graph as plain data: what the reader, the ``nir`` package's objects and the writer share.

Primitives and fields carry NIR's own names (neuroir.org, "Primitives"); the fields hold numpy
arrays, numbers, strings or None.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neurosim.errors import NirError

OURS = "neurosim"  # key of the metadata that only we write: one JSON text


@dataclass(frozen=True, eq=False)
class Primitive:
    """One NIR node: ``kind`` is NIR's name of it ("LIF", "Conv2d", …)."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, eq=False)
class Program:
    """A NIR graph: names, primitives (or graphs in the graph) and edges (from, to)."""

    nodes: Mapping[str, Primitive | Program]
    edges: tuple[tuple[str, str], ...]
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


def ours(metadata: Mapping[str, Any], place: str) -> dict[str, Any]:
    """What ``to_nir`` wrote there; {} where another program wrote the graph. Raises NirError."""
    text = metadata.get(OURS)
    if text is None:
        return {}
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise TypeError
    except (TypeError, ValueError):
        raise NirError(
            f"{place}: its metadata {OURS!r} is not what ns.to_nir writes; remove it, or give "
            "source="
        ) from None
    return found


def told(problems: Iterable[str], what: str, remedy: str) -> NirError:
    """One error that lists every problem, in one line."""
    return NirError(f"{what}: {'; '.join(problems)}; {remedy}")
