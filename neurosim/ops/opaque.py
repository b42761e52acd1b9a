"""An operation without a rule, kept by ``strict=False``: run through torch as it stands, billed as
one ``special`` per
output element, and named in every report. Its target is looked up among torch's own operators only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurosim.errors import SimulationError
from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value


class Opaque(Op):
    """attrs: target ("aten.name.overload"), arguments (numbers, strings, and {"operand": i} or
    {"param": role}),
    options, shape (of one slice of the output), folded (how torch saw the axes: steps·samples
    first)."""

    role = "opaque"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """REAL, shape as captured."""
        steps = next((t.steps for t in types if t.steps is not None), None)
        return ValueType(tuple(node.attrs["shape"]), steps)

    def run(self, call: Call) -> Tensor:
        """Call torch on operands whose leading axis is steps × samples."""
        namespace, name, overload = call.attrs["target"].split(".")
        if namespace != "aten":
            raise SimulationError(
                f"at {call.node.name!r}: {call.attrs['target']} is not an operator of torch itself"
            )
        target = getattr(getattr(torch.ops.aten, name), overload)
        out = target(*(self._argument(call, a) for a in call.attrs["arguments"]))
        out = out[0] if isinstance(out, (tuple, list)) else out
        lead = next(
            (v.data.shape[:2] for v in call.inputs if v.type.steps is not None),
            call.inputs[0].data.shape[:2],
        )
        return out.to(torch.float32).reshape(*lead, *call.attrs["shape"])

    def _argument(self, call: Call, argument: Any) -> Any:
        if not isinstance(argument, Mapping):
            return list(argument) if isinstance(argument, tuple) else argument
        if "param" in argument:
            return call.params[argument["param"]]
        return call.inputs[argument["operand"]].data.flatten(0, 1)

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """1 special an output element."""
        return arithmetic(call, out, special=out.type.size)

    def arrive(self, call: Call) -> Mask:
        """Unknown inside: anything that arrives reaches everything."""
        mask = joined(call)
        if isinstance(mask, bool):
            return mask
        return mask.flatten(2).any(2).reshape(*mask.shape[:2], *[1] * len(call.attrs["shape"]))


OP = Opaque()
