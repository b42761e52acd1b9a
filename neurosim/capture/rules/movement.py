"""Joining, padding, repeating and picking elements."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.axes import Dims
from neurosim.capture.rules._table import Aten, NoRule, required, rule
from neurosim.capture.rules.time_axis import materialised, restored
from neurosim.capture.trace import Trace, Val


@rule("cat", "concatenate")
def cat(trace: Trace, call: Aten) -> Val:
    """Joined along an axis; single steps in order along an axis of length 1 are the sequence."""
    parts = [p for p in call.args[0] if p.numel()]
    dim = call.arg(1, "dim", 0) % parts[0].ndim
    values = [trace.val(p) for p in parts]
    traced = [v for v in values if v is not None]
    if len(traced) == len(values) and all(
        axes.size(v.dims[dim]) == 1 and v.step is not None for v in traced
    ):
        if [v.step for v in traced] == list(range(trace.steps)) and trace.steps > 1:
            bare = [trace.reshaped(v, (*v.dims[:dim], *v.dims[dim + 1 :])) for v in traced]
            return trace.stack(bare, dim)
    return traced[0] if len(traced) == len(values) == 1 else join(trace, parts, values, dim)


@rule("stack")
def stack(trace: Trace, call: Aten) -> Val:
    """A new axis: the steps of a sequence, or an ordinary one."""
    parts = list(call.args[0])
    dim = call.arg(1, "dim", 0) % call.out.ndim
    values = [trace.val(p) for p in parts]
    traced = [v for v in values if v is not None]
    if len(traced) == len(parts) and [v.step for v in traced] == list(range(trace.steps)):
        return trace.stack(traced, dim)
    wide = [
        None if v is None else trace.reshaped(v, (*v.dims[:dim], (), *v.dims[dim:])) for v in values
    ]
    return join(trace, [p.unsqueeze(dim) for p in parts], wide, dim)


def join(trace: Trace, parts: list[Tensor], values: list[Val | None], dim: int) -> Val:
    """A concat record; constants take the roles of the value beside them."""
    values = _along_time(trace, [v if v is None else _ordinary(trace, v, dim) for v in values], dim)
    lead = max((v for v in values if v is not None), key=lambda v: axes.has((v.dims[dim],), "t"))
    if any(r in "TB" for r, _ in lead.dims[dim]):
        raise NoRule("joining along the time or batch axis values that are not the steps in order")
    whole = []
    for part, value in zip(parts, values, strict=True):
        whole.append(trace.constant(part, _like(lead.dims, part, dim)) if value is None else value)
    whole = _same_axes(trace, whole, dim)
    total = sum(p.shape[dim] for p in parts)
    dims = (*lead.dims[:dim], axes.shortened(lead.dims[dim], total), *lead.dims[dim + 1 :])
    return restored(
        trace, trace.emit("concat", whole, dims, {"axis": axes.slice_axis(lead.dims, dim)})
    )


def _along_time(trace: Trace, values: list[Val | None], dim: int) -> list[Val | None]:
    """Where parts of a clip are joined along its former time axis, a single step is such a part."""
    if not any(v is not None and axes.has((v.dims[dim],), "t") for v in values):
        return values
    return [v if v is None or v.step is None else trace.at(v, v.step) for v in values]


def _like(dims: Dims, part: Tensor, dim: int) -> Dims:
    return (*dims[:dim], axes.plain(part.shape[dim]), *dims[dim + 1 :])


def _same_axes(trace: Trace, values: list[Val], dim: int) -> list[Val]:
    """An axis of length 1 among ordinary ones must exist in every slice."""
    kept = [axes.kept(d) for d in values[0].dims]
    for v in values:
        if [axes.kept(d) for d in v.dims] != kept and v.dims:
            if len(v.shape) != sum(kept):
                raise NoRule("joining values whose axes differ in role")
    return values


@rule(
    "constant_pad_nd",
    "reflection_pad1d",
    "reflection_pad2d",
    "reflection_pad3d",
    "replication_pad1d",
    "replication_pad2d",
    "replication_pad3d",
)
def pad(trace: Trace, call: Aten) -> Val:
    """Padding of ordinary axes."""
    value, amounts = required(trace, call.args[0], call), list(call.args[1])
    for i in range(len(amounts) // 2):
        if amounts[2 * i] or amounts[2 * i + 1]:
            value = _ordinary(trace, value, len(value.dims) - 1 - i)
    before, after = [0] * len(value.dims), [0] * len(value.dims)
    for i in range(len(amounts) // 2):
        before[-1 - i], after[-1 - i] = amounts[2 * i], amounts[2 * i + 1]
    for dim, (b, a) in enumerate(zip(before, after, strict=True)):
        if (b or a) and any(r in "TB" for r, _ in value.dims[dim]):
            raise NoRule("padding the batch axis")
    mode = (
        "constant"
        if call.name == "constant_pad_nd"
        else "reflect"
        if "reflect" in call.name
        else "replicate"
    )
    kept = [i for i, d in enumerate(value.dims) if axes.kept(d)]
    number = float(call.arg(2, "value", 0) or 0) if mode == "constant" else 0.0
    attrs = {
        "mode": mode,
        "before": tuple(before[i] for i in kept),
        "after": tuple(after[i] for i in kept),
        "value": number,
    }
    dims = tuple(
        axes.shortened(d, n) if b or a else d
        for d, n, b, a in zip(value.dims, call.out.shape, before, after, strict=True)
    )
    return restored(trace, trace.emit("pad", [value], dims, attrs))


def _ordinary(trace: Trace, value: Val, dim: int) -> Val:
    """Time as an ordinary axis where the axis is time alone."""
    return materialised(trace, value, dim) if axes.roles(value.dims[dim]) == "T" else value


def pick(trace: Trace, value: Val, dim: int, places: Tensor) -> Val:
    """Elements of an ordinary axis by place."""
    value = _ordinary(trace, value, dim)
    if any(r in "TB" for r, _ in value.dims[dim]):
        raise NoRule("picking from the batch axis or from folded time")
    dims = (*value.dims[:dim], axes.shortened(value.dims[dim], len(places)), *value.dims[dim + 1 :])
    picked = trace.emit(
        "index",
        [value],
        dims,
        {"axis": axes.slice_axis(value.dims, dim)},
        {"places": places.to(torch.int64)},
    )
    return restored(trace, picked)


@rule("index_select")
def index_select(trace: Trace, call: Aten) -> Val:
    """By a constant list."""
    _, dim, places = call.args
    if trace.traced(places):
        raise NoRule("aten.index_select by places that depend on the clip")
    return pick(trace, required(trace, call.args[0], call), dim % call.args[0].ndim, places)


@rule("index")
def index(trace: Trace, call: Aten) -> Val:
    """By one constant list."""
    value, chosen = required(trace, call.args[0], call), list(call.args[1])
    used = [i for i, c in enumerate(chosen) if c is not None]
    if len(used) != 1 or trace.traced(chosen[used[0]]) or chosen[used[0]].ndim != 1:
        raise NoRule("aten.index by several lists, or by places that depend on the clip")
    places = chosen[used[0]]
    if places.dtype is torch.bool:
        places = places.nonzero()[:, 0]
    return pick(trace, value, used[0], places)


@rule("flip")
def flip(trace: Trace, call: Aten) -> Val:
    """Ordinary axes reversed."""
    value = required(trace, call.args[0], call)
    for dim in call.args[1]:
        dim %= len(value.dims)
        value = pick(trace, value, dim, torch.arange(axes.size(value.dims[dim])).flip(0))
    return value


@rule("roll")
def roll(trace: Trace, call: Aten) -> Val:
    """Ordinary axes rolled (shifted windows)."""
    value, shifts, dims = required(trace, call.args[0], call), call.args[1], call.arg(2, "dims", [])
    if not dims:
        raise NoRule("aten.roll of a flattened tensor")
    for shift, dim in zip(shifts, dims, strict=True):
        dim %= len(value.dims)
        value = pick(trace, value, dim, torch.arange(axes.size(value.dims[dim])).roll(shift))
    return value


@rule("repeat")
def repeat(trace: Trace, call: Aten) -> Val:
    """Ordinary axes tiled."""
    value, times = required(trace, call.args[0], call), list(call.args[1])
    value = trace.reshaped(value, ((),) * (len(times) - len(value.dims)) + value.dims)
    for dim, n in enumerate(times):
        if n == 1:
            continue
        size = axes.size(value.dims[dim])
        value = pick(trace, value, dim, torch.arange(size).repeat(n))
    return value


@rule("im2col")
def im2col(trace: Trace, call: Aten) -> Val:
    """Patches (F.unfold): zero padding, then elements picked."""
    value, (kernel, dilation, padding, stride) = required(trace, call.args[0], call), call.args[1:5]
    h, w = padding
    if h or w:
        grown = tuple(
            axes.plain(axes.size(d) + 2 * p) for d, p in zip(value.dims[2:], (h, w), strict=True)
        )
        attrs = {"mode": "constant", "before": (0, h, w), "after": (0, h, w), "value": 0.0}
        value = trace.emit("pad", [value], (*value.dims[:2], *grown), attrs)
    shape = axes.sizes(value.dims)[1:]
    numbers = torch.arange(math.prod(shape), dtype=torch.float64).reshape(1, *shape)
    places = call.func(numbers, kernel, dilation, [0, 0], stride).flatten().to(torch.int64)
    flat = trace.reshaped(value, (value.dims[0], axes.plain(len(numbers.flatten()))))
    picked = pick(trace, flat, 1, places)
    return trace.reshaped(picked, (value.dims[0], *(axes.plain(n) for n in call.out.shape[1:])))


@rule("pixel_shuffle", "pixel_unshuffle", "channel_shuffle")
def shuffle(trace: Trace, call: Aten) -> Val:
    """Elements rearranged: found by running it on their own numbers."""
    value = required(trace, call.args[0], call)
    if any(axes.kept(d) for d in value.dims[:1]):
        raise NoRule(f"aten.{call.name} with an ordinary leading axis")
    shape = call.args[0].shape[1:]
    numbers = torch.arange(math.prod(shape), dtype=torch.float64).reshape(1, *shape)
    places = call.func(numbers, *call.args[1:]).flatten().to(torch.int64)
    flat = trace.reshaped(value, (value.dims[0], axes.plain(len(places))))
    picked = pick(trace, flat, 1, places)
    return trace.reshaped(picked, (value.dims[0], *(axes.plain(n) for n in call.out.shape[1:])))
