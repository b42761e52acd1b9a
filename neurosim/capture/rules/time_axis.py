"""Time as an ordinary axis of a clip value, and back: what needs several steps at once goes this
way."""

from __future__ import annotations

from neurosim.capture import axes
from neurosim.capture.axes import Dim
from neurosim.capture.rules._table import NoRule
from neurosim.capture.trace import Trace, Val


def materialised(trace: Trace, value: Val, dim: int) -> Val:
    """Time, folded into ordinary axis ``dim``, as an ordinary axis: the sequence becomes a clip
    value."""
    if axes.has((value.dims[dim],), "B"):
        raise NoRule("a product over the batch axis")
    if not axes.has((value.dims[dim],), "T"):
        return value
    atoms = value.dims[dim]
    outer, place = 1, [r for r, _ in atoms].index("T")
    for _, n in atoms[:place]:
        outer *= n
    rest = axes.inner(atoms)
    split = (
        *value.dims[:dim],
        axes.plain(outer),
        (atoms[place],),
        axes.plain(rest // outer),
        *value.dims[dim + 1 :],
    )
    opened = trace.reshaped(value, split)
    at = sum(axes.kept(d) for d in split[: dim + 1])
    as_axis = (*split[: dim + 1], (("t", atoms[place][1]),), *split[dim + 2 :])
    clip = trace.emit("time_to_axis", [opened], as_axis, {"axis": at})
    merged: Dim = axes.merge((*as_axis[dim], *as_axis[dim + 1], *as_axis[dim + 2]))
    return trace.reshaped(clip, (*value.dims[:dim], merged, *value.dims[dim + 1 :]))


def restored(trace: Trace, value: Val) -> Val:
    """A clip value with exactly one former time axis is a sequence again."""
    places = [(i, j) for i, d in enumerate(value.dims) for j, (r, _) in enumerate(d) if r == "t"]
    if len(places) != 1:
        return value
    dim, j = places[0]
    atoms = value.dims[dim]
    outer = 1
    for _, n in atoms[:j]:
        outer *= n
    rest = axes.inner(atoms) // atoms[j][1] // outer
    split = (
        *value.dims[:dim],
        axes.plain(outer),
        (atoms[j],),
        axes.plain(rest),
        *value.dims[dim + 1 :],
    )
    opened = trace.reshaped(value, split)
    at = sum(axes.kept(d) for d in split[: dim + 1])
    as_time = (*split[: dim + 1], (("T", atoms[j][1]),), *split[dim + 2 :])
    sequence = trace.emit("axis_to_time", [opened], as_time, {"axis": at})
    back = tuple(("T", n) if r == "t" else (r, n) for r, n in atoms)
    return trace.reshaped(sequence, (*value.dims[:dim], axes.merge(back), *value.dims[dim + 1 :]))
