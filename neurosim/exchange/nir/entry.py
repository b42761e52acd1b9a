"""The Input of a NIR graph: its shape without the exporter's sample axis, and the clip's kind."""

from __future__ import annotations

import math

import numpy as np

from neurosim.errors import NirError
from neurosim.exchange.nir.inline import Flat
from neurosim.exchange.nir.record import Primitive, ours
from neurosim.exchange.nir.shapes import taken_rank
from neurosim.ir.graph import Node

Shape = tuple[int, ...]
_MOST_ELEMENTS = 2**31
_BOUNDS = {"real": (0, 0), "spike": (0, 1), "graded": (0, 255)}  # of a clip that nobody declared


def entry_of(flat: Flat) -> str:
    """Name of the one Input. Raises NirError: none, or several."""
    found = flat.of_kind("Input")
    if len(found) != 1:
        listed = f" ({', '.join(found)})" if found else ""
        raise NirError(f"{len(found)} Input nodes{listed}; a clip goes into one")
    return found[0]


def input_shape(flat: Flat, entry: str, asked: Shape | None) -> Shape:
    """``asked``, or the Input's own with as many axes as its readers take. Raises NirError."""
    given = flat.nodes[entry].fields.get("shape") if asked is None else asked
    if given is None or np.asarray(given).dtype.kind not in "iuf":
        raise NirError(f"at {entry!r} (Input): has no shape; give input_shape=")
    shape = tuple(int(n) for n in np.asarray(given).reshape(-1))
    if any(n < 1 for n in shape) or math.prod(shape) > _MOST_ELEMENTS:
        raise NirError(f"at {entry!r} (Input): a shape of {shape}; give input_shape=")
    rank = _taken_rank(flat, entry) if asked is None else None
    return shape[len(shape) - rank :] if rank is not None and rank < len(shape) else shape


def _taken_rank(flat: Flat, entry: str) -> int | None:
    """Axes that the first reader to say so takes; exporters put sample (and step) in front."""
    todo, seen = [entry], {entry}
    while todo:
        for name in flat.after(todo.pop(0)):
            try:
                rank = taken_rank(flat.nodes[name])
            except NirError:
                return None  # told of when its shape is asked for
            if rank is not None:
                return rank
            if name not in seen and flat.nodes[name].kind != "Flatten":
                seen.add(name)
                todo.append(name)
    return None


def input_node(
    name: str, shape: Shape, kind: str | None, steps: int, kept: Primitive | None
) -> Node:
    """The clip: ``kind``, else what ``to_nir`` wrote into ``kept``, else real. Raises NirError."""
    said = {} if kept is None else ours(kept.metadata, name)
    found = kind or said.get("kind", "real")
    if found not in _BOUNDS:
        raise NirError(f"kind is {found!r}; choose real, spike or graded")
    lo, hi = _BOUNDS[found]
    if said.get("kind") == found:
        lo, hi = said.get("lo", lo), said.get("hi", hi)
    attrs = {"shape": shape, "steps": steps, "kind": found, "lo": int(lo), "hi": int(hi)}
    return Node(name, "input", (), attrs)
