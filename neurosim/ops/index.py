"""Elements of one axis by a constant list of places (index_select, roll, flip, repeat)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import arrival
from neurosim.ops._movement import moved_type
from neurosim.ops._value import Call, Mask, Value


class Index(Op):
    """attrs: ``axis``. params: ``places`` (int64)."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same kind."""
        (x,), axis, places = types, node.attrs["axis"], params["places"]
        shape = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
        return moved_type(x, shape, lambda s: s.take(places, axis=axis))

    def run(self, call: Call) -> Tensor:
        """torch's index_select."""
        return call.inputs[0].data.index_select(
            call.attrs["axis"] + 2, call.params["places"].long()
        )

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """The same places of the mask."""
        mask, axis = arrival(call.inputs[0]), call.attrs["axis"] + 2
        if isinstance(mask, bool) or mask.shape[axis] == 1:
            return mask
        return mask.index_select(axis, call.params["places"].long())


OP = Index()
