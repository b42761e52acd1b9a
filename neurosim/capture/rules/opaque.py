"""``strict=False``: an aten call without a rule, kept as it is where its axes can be followed."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.rules._table import NoRule
from neurosim.capture.trace import Trace, Val


def opaque(trace: Trace, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
    """A record that runs the call through torch. Raises NoRule where T and B are not the leading
    axis alone."""
    name = str(func)
    if kwargs:
        raise NoRule(f"{name} with keyword arguments")
    operands: list[Val] = []
    params: dict[str, Tensor] = {}
    arguments = tuple(_argument(trace, a, operands, params) for a in args)
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
