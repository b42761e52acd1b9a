"""Softmax over one axis of length L: L−1 compare, 2L−1 add, 2L special a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value


class Softmax(Op):
    """attrs: ``axis`` of the shape, ``log``."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """REAL, same shape."""
        return types[0].real()

    def run(self, call: Call) -> Tensor:
        """torch's softmax."""
        axis = call.attrs["axis"] + 2
        function = torch.log_softmax if call.attrs.get("log") else torch.softmax
        return function(call.inputs[0].data, axis)

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Counting rules, section 6."""
        length = out.type.shape[call.attrs["axis"]]
        rows = out.type.size // length
        return arithmetic(
            call,
            out,
            compare=rows * (length - 1),
            add=rows * (2 * length - 1),
            special=rows * 2 * length,
        )

    def arrive(self, call: Call) -> Mask:
        """Every element of a row depends on the whole row."""
        mask = joined(call)
        return mask if isinstance(mask, bool) else mask.any(call.attrs["axis"] + 2, keepdim=True)


OP = Softmax()
