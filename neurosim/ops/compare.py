"""A comparison outside a neuron: x > θ makes spikes (1 compare per element). θ is a number, a
constant or a value."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType, integers
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value

RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class Compare(Op):
    """attrs: ``relation``, ``threshold`` (a number, when there is neither a second operand nor a
    parameter)."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """SPIKE."""
        shapes = [t.shape for t in types] + [np.shape(p) for p in params.values()]
        steps = next((t.steps for t in types if t.steps is not None), None)
        return integers(tuple(np.broadcast_shapes(*shapes)), steps, 0, 1)

    def run(self, call: Call) -> Tensor:
        """1.0 where the relation holds."""
        x = call.inputs[0].data
        if len(call.inputs) > 1:
            other: Any = call.inputs[1].data
        else:
            other = call.params.get("threshold", call.attrs.get("threshold"))
        return RELATIONS[call.attrs["relation"]](x, other).to(x.dtype)

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """One compare an output element."""
        return arithmetic(call, out, compare=out.type.size)

    def arrive(self, call: Call) -> Mask:
        """Spikes arrive where they are active; before that, where the operand did."""
        return joined(call)


OP = Compare()
