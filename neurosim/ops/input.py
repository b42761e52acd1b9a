"""The clip. Its kind was declared at capture; ``input_event`` counts its active elements when it is
discrete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import Kind, ValueType
from neurosim.ops._value import Call, Mask, Value


class Input(Op):
    """attrs: shape, steps, kind, lo, hi."""

    role = "input"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """As declared."""
        a = node.attrs
        return ValueType(tuple(a["shape"]), a["steps"], Kind(a["kind"]), a["lo"], a["hi"])

    def run(self, call: Call) -> Tensor:
        """The engine puts the clip here."""
        return call.inputs[0].data

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Active elements of a discrete clip."""
        return {"input_event": out.active_total()} if out.type.discrete else {}

    def arrive(self, call: Call) -> Mask:
        """Real pixels arrive always."""
        return True


OP = Input()
