"""Part of one axis: start, stop, step (a single index is a slice of one and a reshape)."""

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


class Slice(Op):
    """attrs: ``axis``, ``start``, ``stop``, ``step``."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same kind."""
        (x,), a = types, node.attrs
        places = (slice(None),) * a["axis"] + (slice(a["start"], a["stop"], a["step"]),)
        length = len(range(*places[-1].indices(x.shape[a["axis"]])))
        shape = (*x.shape[: a["axis"]], length, *x.shape[a["axis"] + 1 :])
        return moved_type(x, shape, lambda s: s[places])

    def run(self, call: Call) -> Tensor:
        """A view."""
        a = call.attrs
        places = (slice(None),) * (a["axis"] + 2) + (slice(a["start"], a["stop"], a["step"]),)
        return call.inputs[0].data[places]

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """The same part of the mask."""
        mask, a = arrival(call.inputs[0]), call.attrs
        if isinstance(mask, bool) or mask.shape[a["axis"] + 2] == 1:
            return mask
        return mask[(slice(None),) * (a["axis"] + 2) + (slice(a["start"], a["stop"], a["step"]),)]


OP = Slice()
