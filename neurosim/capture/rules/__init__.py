"""What each aten operator means for the graph: one function per family, found by the operator's
name."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from neurosim.capture.rules import algebra, arithmetic, layers, movement, reductions, views
from neurosim.capture.rules._table import TABLE, Aten, NoRule, tensors
from neurosim.capture.trace import Buffer, Trace, Val

__all__ = ["NoRule", "apply", "note_view", "tensors"]
_FAMILIES = (algebra, arithmetic, layers, movement, reductions, views)


def apply(
    trace: Trace, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any
) -> None:
    """Give every output of one call its value. Raises NoRule, CaptureError."""
    in_place = name.endswith("_") and not name.endswith("__")
    plain = name.rstrip("_") if in_place else name
    if plain in ("copy", "fill", "zero") and in_place:
        views.write(trace, plain, args, out)
        return
    if plain not in TABLE:
        _no_rule(trace, func, args, kwargs, out)
        return
    call = Aten(func, plain, args, kwargs, out)
    found = TABLE[plain](trace, call)
    if in_place:
        views.assign(trace, out, found)
        return
    _set(trace, out, found)


def _set(trace: Trace, out: Any, found: Any) -> None:
    if isinstance(out, Tensor):
        trace.set(out, found)
        return
    for tensor, value in zip(out, found, strict=False):
        if isinstance(tensor, Tensor) and value is not None:
            trace.set(tensor, value)


def _no_rule(
    trace: Trace, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any
) -> None:
    """Without a rule: an opaque node when that was allowed and the axes can be followed."""
    from neurosim.capture.rules.opaque import opaque

    if trace.strict:
        raise NoRule(f"aten.{func.overloadpacket.__name__}")
    _set(trace, out, opaque(trace, func, args, kwargs, out))


def known(func: Any) -> bool:
    """Whether there is a rule for the call."""
    name = func.overloadpacket.__name__
    return name in TABLE or name.rstrip("_") in TABLE


def composed(trace: Trace, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether torch itself spells the call out in others, and there is no rule for the whole."""
    if known(func) or not func._can_decompose():
        return False
    return any(trace.traced(t) for t in tensors((args, kwargs)))


def before_writing(trace: Trace, func: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of a call; a constant that it is about to overwrite is copied first."""
    writes = func._schema.is_mutable and args and isinstance(args[0], Tensor)
    if not writes or trace.traced(args[0]) or not any(trace.traced(t) for t in tensors(args[1:])):
        return args
    return (args[0].clone(), *args[1:])


def note_view(trace: Trace, name: str, args: tuple[Any, ...], out: Any) -> None:
    """Remember which part of a constant buffer a view shows, in case the loop writes it."""
    if name == "select" and isinstance(out, Tensor):
        trace.views[out] = _place(args)


def view_of_buffer(trace: Trace, args: tuple[Any, ...], out: Tensor) -> None:
    """One step of a buffer that is being filled: what was written there, or still the constant."""
    base, dim, index = trace.views[out] = _place(args)
    held = trace.values[base]
    if held.dim == dim and index in held.filled:
        trace.set(out, held.filled[index])


def _place(args: tuple[Any, ...]) -> tuple[Tensor, int, int]:
    dim = int(args[1]) % args[0].ndim
    return args[0], dim, int(args[2]) % args[0].shape[dim]


def value_or_constant(trace: Trace, tensor: Tensor) -> Val | Tensor:
    """The value of a tensor, or the tensor itself when it is a constant."""
    found = trace.val(tensor)
    return tensor if found is None else found


def is_buffer(trace: Trace, tensor: Tensor) -> bool:
    """Whether a loop has begun to fill this constant."""
    return isinstance(trace.values.get(tensor), Buffer)
