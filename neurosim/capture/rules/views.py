"""Tensors that show the same elements in another way, and writes through them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.rules._table import Aten, NoRule, required, rule
from neurosim.capture.rules.time_axis import materialised, restored
from neurosim.capture.trace import Buffer, Trace, Val


@rule("view", "_unsafe_view", "reshape", "_reshape_alias")
def view(trace: Trace, call: Aten) -> Val:
    """Roles follow the elements."""
    value = required(trace, call.args[0], call)
    return trace.reshaped(value, axes.regroup(value.dims, tuple(call.out.shape)))


@rule(
    "alias",
    "detach",
    "clone",
    "contiguous",
    "lift_fresh",
    "lift_fresh_copy",
    "dropout",
    "view_as",
    "positive",
    "alias_copy",
    "detach_copy",
)
def same(trace: Trace, call: Aten) -> Val:
    """The same value."""
    return required(trace, call.args[0], call)


@rule("_to_copy", "to", "type_as")
def converted(trace: Trace, call: Aten) -> Val:
    """A change of type that changes no number. Raises NoRule for integers and half precision."""
    value, source, target = required(trace, call.args[0], call), call.args[0].dtype, call.out.dtype
    if target in (torch.float32, torch.float64) or source is torch.bool or target == source:
        return value
    raise NoRule(f"conversion from {source} to {target}")


@rule("unsqueeze")
def unsqueeze(trace: Trace, call: Aten) -> Val:
    """A new axis of length 1."""
    value = required(trace, call.args[0], call)
    dim = call.args[1] % call.out.ndim
    return trace.reshaped(value, (*value.dims[:dim], (), *value.dims[dim:]))


@rule("squeeze")
def squeeze(trace: Trace, call: Aten) -> Val:
    """Axes of length 1 dropped."""
    value = required(trace, call.args[0], call)
    chosen = call.arg(1, "dim")
    rank = len(value.dims)
    where = (
        range(rank)
        if chosen is None
        else [d % rank for d in ([chosen] if isinstance(chosen, int) else chosen)]
    )
    drop = {d for d in where if axes.size(value.dims[d]) == 1}
    if any(axes.has((value.dims[d],), r) for d in drop for r in "TB"):
        raise NoRule("aten.squeeze of a time or batch axis of length 1")
    return trace.reshaped(value, tuple(d for i, d in enumerate(value.dims) if i not in drop))


@rule("transpose", "t", "permute", "movedim", "swapaxes")
def permute(trace: Trace, call: Aten) -> Val:
    """Axes in another order; moving T or B about moves nothing in a slice."""
    value, rank = required(trace, call.args[0], call), call.args[0].ndim
    order = list(range(rank))
    if call.name == "permute":
        order = [d % rank for d in call.args[1]]
    else:
        a, b = (0, rank - 1) if call.name == "t" else (call.args[1] % rank, call.args[2] % rank)
        order[a], order[b] = order[b], order[a]
    dims = tuple(value.dims[d] for d in order)
    slices = [axes.slice_axis(value.dims, d) for d in order if axes.kept(value.dims[d])]
    if slices == sorted(slices):
        return Val(value.record, dims, value.step)
    return trace.emit("permute", [value], dims, {"order": tuple(slices)})


@rule("expand", "expand_as", "broadcast_to")
def expand(trace: Trace, call: Aten) -> Val:
    """Axes of length 1 repeated."""
    value = required(trace, call.args[0], call)
    dims = ((),) * (call.out.ndim - len(value.dims)) + value.dims
    value = trace.reshaped(value, dims)
    target = tuple(
        axes.plain(n) if axes.size(d) == 1 and n != 1 else d
        for d, n in zip(dims, call.out.shape, strict=True)
    )
    if target == dims:
        return value
    return trace.emit("expand", [value], target, {"shape": axes.slice_shape(target)})


@rule("select")
def select(trace: Trace, call: Aten) -> Val:
    """One index of an axis: one step of a sequence, or a slice of one."""
    value = required(trace, call.args[0], call)
    dim = call.args[1] % len(value.dims)
    index = int(call.args[2]) % axes.size(value.dims[dim])
    return index_one(trace, value, dim, index)


def index_one(trace: Trace, value: Val, dim: int, index: int) -> Val:
    """Element ``index`` of an axis, the axis dropped."""
    roles = axes.roles(value.dims[dim])
    rest = (*value.dims[:dim], *value.dims[dim + 1 :])
    if roles == "T":
        return Val(value.record, rest, index)
    if roles == "B":
        raise NoRule(f"picking sample {index} from the batch axis")
    if "T" in roles or "B" in roles:
        raise NoRule(f"indexing an axis that folds {roles}")
    narrow = _slice(trace, value, dim, index, index + 1, 1)
    return trace.reshaped(narrow, rest)


@rule("slice", "narrow")
def slice_(trace: Trace, call: Aten) -> Val:
    """A range of an axis."""
    value = required(trace, call.args[0], call)
    dim, start, stop, step = _range(call)
    dim %= len(value.dims)
    start, stop, step = slice(start, stop, step).indices(axes.size(value.dims[dim]))
    if (start, stop, step) == (0, axes.size(value.dims[dim]), 1):
        return value
    roles = axes.roles(value.dims[dim])
    if roles == "T" and stop - start == 1:
        return one_step(trace, value, dim, start)
    if roles == "T":
        return restored(
            trace, _slice(trace, materialised(trace, value, dim), dim, start, stop, step)
        )
    if "T" in roles or "B" in roles:
        raise NoRule(
            f"a part of the {'time' if 'T' in roles else 'batch'} axis ({start}:{stop}:{step})"
        )
    return _slice(trace, value, dim, start, stop, step)


def _range(call: Aten) -> tuple[int, int | None, int | None, int]:
    if call.name == "narrow":
        _, dim, start, length = call.args
        return dim, start, start + length, 1
    return call.arg(1, "dim", 0), call.arg(2, "start"), call.arg(3, "end"), call.arg(4, "step", 1)


def _slice(trace: Trace, value: Val, dim: int, start: int, stop: int, step: int) -> Val:
    length = len(range(start, stop, step))
    dims = (*value.dims[:dim], axes.shortened(value.dims[dim], length), *value.dims[dim + 1 :])
    if length == axes.size(value.dims[dim]) and step == 1:
        return value
    attrs = {"axis": axes.slice_axis(value.dims, dim), "start": start, "stop": stop, "step": step}
    return trace.emit("slice", [value], dims, attrs)


@rule("unbind")
def unbind(trace: Trace, call: Aten) -> list[Val]:
    """Every index of an axis."""
    value = required(trace, call.args[0], call)
    dim = call.arg(1, "dim", 0) % len(value.dims)
    return [index_one(trace, value, dim, i) for i in range(axes.size(value.dims[dim]))]


@rule(
    "split",
    "split_with_sizes",
    "chunk",
    "tensor_split",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "unsafe_chunk",
)
def split(trace: Trace, call: Aten) -> list[Val]:
    """Consecutive ranges of an axis."""
    value = required(trace, call.args[0], call)
    dim = call.arg(2, "dim", 0) % len(value.dims)
    roles = axes.roles(value.dims[dim])
    found, start = [], 0
    for part in call.out:
        n = part.shape[dim]
        if roles == "T" and n == 1:
            found.append(one_step(trace, value, dim, start))
        elif "T" in roles or "B" in roles:
            raise NoRule(f"splitting an axis that holds {roles}")
        else:
            found.append(_slice(trace, value, dim, start, start + n, 1))
        start += n
    return found


def one_step(trace: Trace, value: Val, dim: int, step: int) -> Val:
    """One step of a sequence, its time axis kept with length 1."""
    bare = Val(value.record, (*value.dims[:dim], *value.dims[dim + 1 :]), step)
    return trace.reshaped(bare, (*bare.dims[:dim], (), *bare.dims[dim:]))


def write(trace: Trace, name: str, args: tuple[Any, ...], target: Tensor) -> None:
    """``copy_``, ``fill_`` and ``zero_`` into a tensor or into one step of a buffer."""
    source = trace.val(args[1]) if name == "copy" else None
    if source is None:
        base = target._base if target._is_view() else None
        if base is not None and trace.val(base) is not None:
            raise NoRule("writing a constant into a part of a value; build it with torch.where")
        trace.values.pop(target, None)  # a constant again
        return
    assign(trace, target, source)


def assign(trace: Trace, target: Tensor, value: Any) -> None:
    """Give ``target`` a value; when it is one step of a buffer, fill that step."""
    place = trace.views.get(target)
    if place is None or not isinstance(value, Val):
        trace.set(target, value)
        return
    base, dim, index = place
    held = trace.values.get(base)
    buffer = held if isinstance(held, Buffer) else Buffer(dim, steps=base.shape[dim])
    if held is not None and not isinstance(held, Buffer):
        raise NoRule("writing into a part of a value that was already computed")
    if buffer.dim != dim:
        raise NoRule("filling a buffer along two axes")
    dims = (
        value.dims
        if len(value.dims) == target.ndim
        else ((),) * (target.ndim - len(value.dims)) + value.dims
    )
    buffer.filled[index] = Val(value.record, dims, value.step)
    trace.set(base, buffer)
    trace.set(target, value)
