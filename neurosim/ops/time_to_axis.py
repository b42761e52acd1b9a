"""The steps become an axis of the shape (joint space-time attention): a sequence becomes a clip
value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import arrival, full
from neurosim.ops._value import Call, Mask, Value


class TimeToAxis(Op):
    """attrs: ``axis``: where the steps go in the shape."""

    role = "movement"
    time = "clipwise"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same kind; a scale that varies makes it REAL."""
        (x,), axis = types, node.attrs["axis"]
        shape = (*x.shape[:axis], x.steps or 1, *x.shape[axis:])
        if x.discrete and not x.uniform:
            return ValueType(shape, None)
        return ValueType(shape, None, x.kind, x.lo, x.hi, x.scale, x.masked)

    def run(self, call: Call) -> Tensor:
        """A view."""
        return call.inputs[0].data.movedim(0, call.attrs["axis"] + 1).unsqueeze(0)

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """The mask moved the same way."""
        mask = arrival(call.inputs[0])
        if isinstance(mask, bool):
            return mask
        return full(mask, call.inputs[0].data.shape).movedim(0, call.attrs["axis"] + 1).unsqueeze(0)


OP = TimeToAxis()
