"""The axes of one slice in another order."""

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


class Permute(Op):
    """attrs: ``order``: old axis of each new one."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same kind."""
        (x,), order = types, tuple(node.attrs["order"])
        return moved_type(x, tuple(x.shape[i] for i in order), lambda s: s.transpose(order))

    def run(self, call: Call) -> Tensor:
        """A view."""
        return call.inputs[0].data.permute(0, 1, *(i + 2 for i in call.attrs["order"]))

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """The mask in the same order."""
        mask = arrival(call.inputs[0])
        return (
            mask
            if isinstance(mask, bool)
            else mask.permute(0, 1, *(i + 2 for i in call.attrs["order"]))
        )


OP = Permute()
