"""Sums, means, maxima and softmax over axes, time included."""

from __future__ import annotations

import math

from neurosim.capture import axes
from neurosim.capture.rules._table import Aten, NoRule, required, rule
from neurosim.capture.rules.arithmetic import two, unary, with_constant
from neurosim.capture.rules.time_axis import materialised, restored
from neurosim.capture.trace import Trace, Val


@rule("sum", "mean", "amax")
def reduction(trace: Trace, call: Aten) -> Val:
    """Over ordinary axes first, then over time."""
    value = required(trace, call.args[0], call)
    rank = len(value.dims)
    chosen = call.arg(1, "dim")
    chosen = (
        list(range(rank))
        if chosen is None or chosen == []
        else [chosen]
        if isinstance(chosen, int)
        else chosen
    )
    keep = bool(call.arg(2, "keepdim", False))
    mode = {"sum": "sum", "mean": "mean", "amax": "max"}[call.name]
    return reduced(trace, value, mode, sorted(d % rank for d in chosen), keep)


def reduced(trace: Trace, value: Val, mode: str, chosen: list[int], keep: bool) -> Val:
    """Reduce tensor axes ``chosen``. Raises NoRule over the batch."""
    if any(axes.has((value.dims[d],), "B") for d in chosen):
        raise NoRule(f"a {mode} over the batch axis")
    timed = any(axes.has((value.dims[d],), "T") for d in chosen)
    ordinary = [d for d in chosen if axes.kept(value.dims[d])]
    final = tuple(
        () if d in chosen else dim for d, dim in enumerate(value.dims) if keep or d not in chosen
    )
    if ordinary:
        kept_time = tuple(
            tuple(a for a in dim if a[0] == "T") if d in ordinary else dim
            for d, dim in enumerate(value.dims)
        )
        attrs = {
            "mode": mode,
            "axes": tuple(axes.slice_axis(value.dims, d) for d in ordinary),
            "keepdim": True,
        }
        shape_dims = kept_time
        value = trace.emit("reduce", [value], shape_dims, attrs)
        value = _as_kept(trace, value, ordinary)
    if timed:
        value = trace.emit("time_reduce", [value], axes.without(value.dims, "T"), {"mode": mode})
    return trace.reshaped(value, final)


def _as_kept(trace: Trace, value: Val, ordinary: list[int]) -> Val:
    """The record keeps reduced axes with length 1; an axis that also held time is now time alone in
    the tensor."""
    shape = tuple(
        1 if d in ordinary else axes.inner(dim)
        for d, dim in enumerate(value.dims)
        if d in ordinary or axes.kept(dim)
    )
    if shape == value.shape:
        return value
    return trace.emit("reshape", [value], value.dims, {"shape": value.shape})


@rule("amin")
def least(trace: Trace, call: Aten) -> Val:
    """−max(−x)."""
    flipped = with_constant(trace, "multiply", required(trace, call.args[0], call), -1.0)
    chosen, rank = call.arg(1, "dim") or range(call.args[0].ndim), call.args[0].ndim
    chosen = [chosen] if isinstance(chosen, int) else chosen
    found = reduced(
        trace, flipped, "max", sorted(d % rank for d in chosen), bool(call.arg(2, "keepdim", False))
    )
    return with_constant(trace, "multiply", found, -1.0)


@rule("var", "std")
def variance(trace: Trace, call: Aten) -> Val:
    """Σ(x − mean)² / (n − correction), spelled out; std: its root."""
    value = required(trace, call.args[0], call)
    rank, chosen = len(value.dims), call.arg(1, "dim")
    chosen = (
        list(range(rank)) if not chosen else [chosen] if isinstance(chosen, int) else list(chosen)
    )
    chosen = sorted(d % rank for d in chosen)
    n, correction = (
        math.prod(call.args[0].shape[d] for d in chosen),
        call.kwargs.get("correction", 1),
    )
    mean = reduced(trace, value, "mean", chosen, True)
    off = two(trace, "add", value, mean, {"subtract": True})
    squares = reduced(
        trace,
        two(trace, "multiply", off, off),
        "sum",
        chosen,
        bool(call.kwargs.get("keepdim", False)),
    )
    found = with_constant(
        trace, "multiply", squares, 1.0 / (n - (1 if correction is None else correction))
    )
    return unary(trace, found, "sqrt") if call.name == "std" else found


@rule("linalg_vector_norm")
def norm(trace: Trace, call: Aten) -> Val:
    """√Σx²."""
    value, order = required(trace, call.args[0], call), call.arg(1, "ord", 2)
    if order != 2:
        raise NoRule(f"a vector norm of order {order}")
    rank, chosen = len(value.dims), call.arg(2, "dim")
    chosen = sorted(d % rank for d in chosen) if chosen else list(range(rank))
    squares = two(trace, "multiply", value, value)
    return unary(
        trace, reduced(trace, squares, "sum", chosen, bool(call.arg(3, "keepdim", False))), "sqrt"
    )


@rule("max", "min")
def extreme(trace: Trace, call: Aten) -> list[Val | None] | Val:
    """``max(dim)``: the values; the indices are not followed."""
    chosen = call.arg(1, "dim")
    if call.name == "min" or not (chosen is None or isinstance(chosen, int)):
        raise NoRule(f"aten.{call.name}")
    value = required(trace, call.args[0], call)
    if chosen is None:
        return reduced(trace, value, "max", list(range(len(value.dims))), False)
    dim = chosen % len(value.dims)
    return [reduced(trace, value, "max", [dim], bool(call.arg(2, "keepdim", False))), None]


@rule("_local_scalar_dense", "item", "equal", "is_nonzero", "nonzero")
def read_out(trace: Trace, call: Aten) -> None:
    """Python wants a number of the clip: a branch or a constant that depends on the data."""
    raise NoRule(f"a number read out of the data (if, float(), .item(), nonzero: aten.{call.name})")


@rule("_softmax", "softmax", "_log_softmax", "log_softmax")
def softmax(trace: Trace, call: Aten) -> Val:
    """Over one axis."""
    value = required(trace, call.args[0], call)
    dim = call.args[1] % len(value.dims)
    value = materialised(trace, value, dim)
    if not axes.kept(value.dims[dim]):
        raise NoRule("a softmax over the batch axis")
    out = trace.emit(
        "softmax",
        [value],
        value.dims,
        {"axis": axes.slice_axis(value.dims, dim), "log": "log" in call.name},
    )
    return restored(trace, out)
