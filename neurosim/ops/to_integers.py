"""Real numbers as whole ones, as a converter in front of a chip makes them:
out = clamp(round(scale · x), lo, hi), ties to even.

The result stays REAL: a kind is decided from the graph alone, and these are not events (counting
rules, section 2). Per element: 1 multiply, 1 special, 2 compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value


class ToIntegers(Op):
    """attrs: ``scale``, ``lo``, ``hi``."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """REAL, same shape."""
        return types[0].real()

    def run(self, call: Call) -> Tensor:
        """See the module's equation."""
        a = call.attrs
        return (call.inputs[0].data * a["scale"]).round_().clamp_(a["lo"], a["hi"])

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """1 multiply, 1 special, 2 compare an element."""
        size = out.type.size
        return arithmetic(call, out, multiply=size, special=size, compare=2 * size)

    def arrive(self, call: Call) -> Mask:
        """Through."""
        return joined(call)


OP = ToIntegers()
