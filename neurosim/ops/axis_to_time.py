"""An axis of a clip value becomes the steps again (after joint space-time attention)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import arrival, full
from neurosim.ops._value import Call, Mask, Value


class AxisToTime(Op):
    """attrs: ``axis`` of the shape."""

    role = "movement"
    time = "clipwise"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same kind."""
        (x,), axis = types, node.attrs["axis"]
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        if x.discrete and not x.uniform:
            return ValueType(shape, x.shape[axis])
        return ValueType(shape, x.shape[axis], x.kind, x.lo, x.hi, x.scale, x.masked)

    def run(self, call: Call) -> Tensor:
        """A view."""
        return call.inputs[0].data[0].movedim(call.attrs["axis"] + 1, 0)

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """The mask moved the same way."""
        mask = arrival(call.inputs[0])
        if isinstance(mask, bool):
            return mask
        return full(mask, call.inputs[0].data.shape)[0].movedim(call.attrs["axis"] + 1, 0)


OP = AxisToTime()
