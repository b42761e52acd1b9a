"""Sum, mean, maximum or last value over the steps: a sequence becomes a clip value. Keeps a running
value.

sum: 1 add an element and step; mean: also 1 multiply an element; maximum: 1 compare an element and
step after the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import arrival
from neurosim.ops._pointwise import arithmetic
from neurosim.ops._value import Call, Mask, Value, per_slice
from neurosim.ops.reduce import reduced_type


class TimeReduce(Op):
    """attrs: mode ("sum" | "mean" | "max" | "at"), ``step`` for "at" (negative counts from the
    end), ``lead`` axes."""

    time = "clipwise"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """A clip value of the same shape."""
        (x,) = types
        if node.attrs["mode"] == "at":
            return ValueType(
                x.shape, None, x.kind, x.lo, x.hi, _at_scale(x, node.attrs["step"]), x.masked
            )
        return reduced_type(x, node.attrs["mode"], x.steps or 1, x.shape, None)

    def run(self, call: Call) -> Tensor:
        """Over the steps that are here: one slice."""
        (x,), mode = call.inputs, call.attrs["mode"]
        if mode == "at":
            return x.data[call.attrs["step"]].unsqueeze(0)
        if mode == "max":
            return x.data.amax(0, keepdim=True)
        return x.data.sum(0, keepdim=True) if mode == "sum" else x.data.mean(0, keepdim=True)

    def accumulate(self, call: Call) -> None:
        """Take one more chunk into ``call.state``."""
        (x,), mode, state = call.inputs, call.attrs["mode"], call.state
        n = state.get("steps", 0)
        if mode == "at":
            _keep(state, x.data, n, call.attrs["step"])
        elif mode == "max":
            here = x.data.amax(0, keepdim=True)
            state["value"] = torch.maximum(state["value"], here) if n else here
        else:
            state["value"] = _running_sum(state.get("value"), x.data)
        state["steps"] = n + x.steps

    def result(self, call: Call) -> Tensor:
        """The clip value, once every chunk has been taken."""
        value = call.state["value"]
        return value / call.state["steps"] if call.attrs["mode"] == "mean" else value

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Per step of the operand; the words written and the final multiply are in the last
        step."""
        (x,), mode, size = call.inputs, call.attrs["mode"], out.type.size
        if mode == "at":
            return {}
        made = arithmetic(call, x, **({"compare": size} if mode == "max" else {"add": size}))
        counts = {event: per_slice(call, x, n) for event, n in made.items()}
        last = np.zeros((x.steps, x.samples), np.int64)
        if call.state.get("last", True):
            last[-1] = size
        if mode == "max" and call.first_step == 0:
            counts["compare"][0] = 0
        if mode == "mean":
            counts["multiply"] = last
        counts["activation_write"] = last
        return counts

    def arrive(self, call: Call) -> Mask:
        """Anything in any step."""
        mask = arrival(call.inputs[0])
        return mask if isinstance(mask, bool) else mask.any(0, keepdim=True)


def _keep(state: dict[str, Any], data: Tensor, first: int, at: int) -> None:
    """The step ``at`` when it is here; counted from the end: the oldest of the last ``-at`` steps
    so far."""
    if at < 0:
        tail = torch.cat([state["tail"], data]) if "tail" in state else data
        state["tail"] = tail[at:].clone()
        state["value"] = state["tail"][:1]
    elif first <= at < first + len(data):
        state["value"] = data[at - first].unsqueeze(0).clone()


def _running_sum(value: Tensor | None, data: Tensor) -> Tensor:
    """Add the steps one by one, in order: the sum does not depend on the chunk."""
    for step in data:
        value = step.unsqueeze(0).clone() if value is None else value + step
    assert value is not None
    return value


def _at_scale(x: ValueType, step: int) -> Any:
    scale = np.asarray(x.scale)
    if scale.ndim == len(x.shape) + 2:
        return scale[step % len(scale)][0] if len(scale) > 1 else scale[0, 0]
    return x.scale


OP = TimeReduce()
