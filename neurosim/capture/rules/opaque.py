"""``strict=False``: an aten call without a rule, kept as it is where its axes can be followed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.rules._table import NoRule
from neurosim.capture.trace import Trace, Val


def opaque(trace: Trace, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
    """A record that runs the call through torch. Raises NoRule where T and B are not the leading
    axis alone, for an operation that does not go element by element."""
    name = str(func)
    if kwargs:
        raise NoRule(f"{name} with keyword arguments")
    if func._schema.is_mutable:
        raise NoRule(f"{name}, which writes in place")
    operands: list[Val] = []
    params: dict[str, Tensor] = {}
    arguments = tuple(_argument(trace, a, operands, params) for a in args)
    if torch.Tag.pointwise in func.tags and _one_shape(operands, out):
        return _pointwise(trace, name, arguments, operands, params)
    first = out[0] if isinstance(out, (tuple, list)) else out
    lead = operands[0].dims[0] if operands[0].dims else ()
    for value in operands:
        others = any(r in "TB" for d in value.dims[1:] for r, _ in d)
        if (
            not value.dims
            or others
            or any(r not in "TB" for r, _ in value.dims[0])
            or value.dims[0] != lead
        ):
            raise NoRule(
                f"{name} on axes {axes.show(value.dims)} (opaque needs time and batch folded in "
                f"front)"
            )
    if first.shape[0] != axes.size(lead):
        raise NoRule(f"{name}, which changes the leading axis")
    dims = (lead, *(axes.plain(n) for n in first.shape[1:]))
    attrs = {"target": name, "arguments": arguments, "shape": tuple(first.shape[1:])}
    found = trace.emit("opaque", operands, dims, attrs, params)
    return found if isinstance(out, Tensor) else [found] + [None] * (len(out) - 1)


def _one_shape(operands: list[Val], out: Any) -> bool:
    dims = operands[0].dims
    same = all(v.dims == dims for v in operands)
    return same and isinstance(out, Tensor) and tuple(out.shape) == axes.sizes(dims)


def _pointwise(
    trace: Trace, name: str, arguments: Any, operands: list[Val], params: dict[str, Tensor]
) -> Val:
    """Element by element, where time and batch stand does not matter: run on whole slices."""
    dims = operands[0].dims
    found = {role: _per_slice(trace, name, c, dims) for role, c in params.items()}
    attrs = {"target": name, "arguments": arguments, "shape": axes.slice_shape(dims)}
    return trace.emit("opaque", operands, dims, attrs, found)


def _per_slice(trace: Trace, name: str, constant: Tensor, dims: axes.Dims) -> Tensor:
    if constant.dim() == 0:
        return constant
    found = trace.per_slice(constant, dims)
    if len(found) > 1:
        raise NoRule(f"{name} with a constant that differs from step to step")
    return found


def _argument(trace: Trace, argument: Any, operands: list[Val], params: dict[str, Tensor]) -> Any:
    if isinstance(argument, Tensor):
        value = trace.val(argument)
        if value is None:
            role = f"constant{len(params)}"
            params[role] = argument.detach()
            return {"param": role}
        operands.append(value)
        return {"operand": len(operands) - 1}
    if isinstance(argument, (list, tuple)):
        return tuple(_argument(trace, a, operands, params) for a in argument)
    if argument is None or isinstance(argument, (bool, int, float, str)):
        return argument
    raise NoRule(f"an argument of type {type(argument).__name__}")
