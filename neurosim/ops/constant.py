"""A constant of the model used as an operand (a learned query, a positional table that is
concatenated)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._value import Call, Mask, Value


class Constant(Op):
    """params: ``value`` of the shape, or (steps, *shape) when attrs ``per_step`` is set."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """REAL: constants are never promoted to spikes."""
        value = params["value"]
        if node.attrs.get("per_step"):
            return ValueType(tuple(value.shape[1:]), len(value))
        return ValueType(tuple(value.shape), None)

    def run(self, call: Call) -> Tensor:
        """The engine asks once per chunk (per step) or once per run."""
        value = call.params["value"]
        if call.attrs.get("per_step"):
            steps = call.attrs.get("steps_here", len(value))
            return value[call.first_step : call.first_step + steps].unsqueeze(1)
        return value[None, None]

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Reading it is billed where it is used."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """A constant brings no event."""
        return False


OP = Constant()
