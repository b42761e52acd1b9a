"""``ns.as_spikes(x)``: the user's word that x holds only scale × {0, 1}; checked at run time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.errors import SimulationError
from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType, integers
from neurosim.ops._arrive import arrival
from neurosim.ops._value import Call, Mask, Value


class AsSpikes(Op):
    """attrs: ``lo``, ``hi`` (0 and 1 unless declared graded)."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """SPIKE, or GRADED as declared."""
        (x,) = types
        return integers(x.shape, x.steps, node.attrs.get("lo", 0), node.attrs.get("hi", 1))

    def run(self, call: Call) -> Tensor:
        """x itself. Raises SimulationError when it holds anything else."""
        x = call.inputs[0].data
        lo, hi = call.attrs.get("lo", 0), call.attrs.get("hi", 1)
        if bool(((x != x.round()) | (x < lo) | (x > hi)).any()):
            raise SimulationError(
                f"at {call.node.name!r}: as_spikes promises integers in [{lo}, {hi}], got values "
                "from "
                f"{float(x.min()):g} to {float(x.max()):g}; remove as_spikes or declare the range"
            )
        return x

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """Through."""
        return arrival(call.inputs[0])


OP = AsSpikes()
