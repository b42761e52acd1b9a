"""Constants on an activity: out = scale · x + bias, either absent; per tensor, per channel, or per
step and channel.

params: ``scale`` and ``bias``, broadcastable to the shape, or to (steps, *shape) when attrs
``per_step`` is set. ``bias``
alone is a constant offset. A discrete x keeps its integers under ``scale`` alone; ``1 − spike``
stays a spike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import Kind, ValueType
from neurosim.ops._layout import by_stride, inverse
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._tiles import Tiles, tiles
from neurosim.ops._value import Call, Mask, Value
from neurosim.threads import spread


def operand(call: Call, role: str, steps: int) -> Tensor:
    """A constant made to broadcast against (steps, samples, *shape)."""
    if call.attrs.get("per_step"):
        return call.step_param(role, steps).unsqueeze(1)
    return call.params[role]


class Affine(Op):
    """See the module's equation. attrs: ``per_step``, ``divide`` (the scale was written as a
    division)."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Scale alone: the same n, scale changed; bias: REAL, except 1 − SPIKE."""
        (x,) = types
        constants = [
            np.asarray(p)[0] if node.attrs.get("per_step") else np.asarray(p)
            for p in params.values()
        ]
        shape = tuple(np.broadcast_shapes(x.shape, *(c.shape for c in constants)))
        out = ValueType(shape, x.steps, masked=x.masked and "bias" not in params)
        if not x.discrete:
            return out
        if "bias" not in params and shape == x.shape:
            return _scaled(
                x, params["scale"], bool(node.attrs.get("per_step")), bool(node.attrs.get("divide"))
            )
        if _complements(x, params):
            return ValueType(x.shape, x.steps, Kind.SPIKE, 0, 1)
        return ValueType(shape, x.steps)

    def run(self, call: Call) -> Tensor:
        """Multiply, then add."""
        (x,) = call.inputs
        if call.kernels is not None and not call.attrs.get("divide"):
            found = fused(call, x.data)
            if found is not None:
                return found
        out = x.data
        if "scale" in call.params:
            scale = operand(call, "scale", x.steps)
            out = out / scale if call.attrs.get("divide") else out * scale
        if "bias" in call.params:
            bias = operand(call, "bias", x.steps)
            own = out is not x.data and _fits(bias.shape, out.shape)
            out = out.add_(bias) if own else out + bias
        return out

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """One multiply and one add an output element, for what is present."""
        return call.kept("counts", lambda: self._counts(call, out))

    def _counts(self, call: Call, out: Value) -> Mapping[str, Any]:
        words = sum(
            p.numel() // (len(p) if call.attrs.get("per_step") else 1) for p in call.params.values()
        )
        size = out.type.size
        return arithmetic(
            call,
            out,
            multiply=size * ("scale" in call.params),
            add=size * ("bias" in call.params),
            parameters=words,
        )

    def arrive(self, call: Call) -> Mask:
        """A constant brings no event."""
        return joined(call)


NOTHING = np.empty((0, 0), np.float32)


def fused(call: Call, x: Tensor, other: Tensor | None = None) -> Tensor | None:
    """The same in one pass over memory, added to ``other`` where there is one; None where the data
    have gaps, lie in different orders, or change their shape."""
    from neurosim.ops._affine_kernel import affine_loop

    order = by_stride(x)
    laid, beside = x.permute(order), None if other is None else other.permute(order)
    dense = laid.is_contiguous() and (beside is None or beside.is_contiguous())
    if not dense or {*order[:2]} != {0, 1}:
        return None
    plans = call.kernels.plans(call.node.name)
    if order not in plans:
        plans[order] = _tiles_of(call, x, [a - 2 for a in order[2:]])
    plan = plans[order]
    if plan is None:
        return None
    steps, samples = x.shape[:2]
    scale, bias = plan.steps(call.first_step, steps)
    slices = steps * samples
    into = torch.empty_like(laid) if call.overwrites is None else laid
    out = into.numpy().reshape(slices, -1)
    own = out if into is laid else laid.numpy().reshape(slices, -1)
    more = NOTHING if beside is None else beside.numpy().reshape(slices, -1)
    given = (own, more, out, scale, bias, plan.unit, plan.tiled, samples, order[0] == 0)
    spread(affine_loop, slices, out.size, *given)
    return x if into is laid else into.permute(inverse(order))


@dataclass
class Deferred(Value):
    """What an affine makes of ``held``, not computed yet: whoever asks for ``data`` has it
    computed, an add does it on its way."""

    call: Call | None = None

    @property
    def data(self) -> Tensor:
        """float32 (steps, samples, *shape)."""
        if self.call is not None:
            self.held, self.call = OP.run(self.call), None
        assert isinstance(self.held, Tensor)
        return self.held

    def added(self, other: Tensor) -> Tensor | None:
        """other + data, without data; None where that needs two passes."""
        if self.call is None or other.shape != self.held.shape:
            return None
        assert isinstance(self.held, Tensor)
        found, self.call = fused(self.call, self.held, other), self.call
        return found


def _tiles_of(call: Call, x: Tensor, inner: list[int]) -> Tiles | None:
    shape = tuple(x.shape[2:])
    arrays: dict[str, np.ndarray] = {}
    for role, p in call.params.items():
        rows = p.numpy() if call.attrs.get("per_step") else p.numpy()[None]
        if len(rows.shape) > len(shape) + 1 or not _fits(rows.shape[1:], shape):
            return None
        lead = (1,) * (len(shape) + 1 - len(rows.shape))
        arrays[f"affine_{role}"] = rows.reshape(len(rows), *lead, *rows.shape[1:])
    return tiles(arrays, shape, inner, runs=True)


def _fits(inner: tuple[int, ...], outer: tuple[int, ...]) -> bool:
    """Whether one broadcasts to the other without changing it."""
    pairs = zip(reversed(inner), reversed(outer), strict=False)
    return len(inner) <= len(outer) and all(a in (1, b) for a, b in pairs)


def _scaled(x: ValueType, factor: Any, per_step: bool, divide: bool) -> ValueType:
    factor = np.asarray(factor, dtype=np.float64)
    if per_step:
        factor = factor[:, None]
    if np.any(factor == 0) or not np.all(np.isfinite(factor)):
        return ValueType(x.shape, x.steps)
    before = np.asarray(x.scale, dtype=np.float64)
    scale = before / factor if divide else before * factor
    value = float(scale.reshape(-1)[0]) if scale.size == 1 else scale
    return ValueType(x.shape, x.steps, x.kind, x.lo, x.hi, value)


def _complements(x: ValueType, params: Params) -> bool:
    if (
        x.kind is not Kind.SPIKE
        or not x.uniform
        or x.scale != 1.0
        or set(params) != {"scale", "bias"}
    ):
        return False
    return bool(np.all(params["scale"] == -1) and np.all(params["bias"] == 1))


OP = Affine()
