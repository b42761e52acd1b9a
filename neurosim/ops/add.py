"""Residual addition and subtraction of two activities: out = a ± b (1 add per element)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType, integers, scales_equal
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value
from neurosim.ops.affine import Deferred


class Add(Op):
    """attrs: ``subtract``."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Equal scales: GRADED, ranges added; different scales: REAL."""
        a, b = types
        shape = tuple(np.broadcast_shapes(a.shape, b.shape))
        steps = a.steps if a.steps is not None else b.steps
        if not (a.discrete and b.discrete and scales_equal(a.scale, b.scale)):
            return ValueType(shape, steps)
        lo, hi = (
            (a.lo - b.hi, a.hi - b.lo) if node.attrs.get("subtract") else (a.lo + b.lo, a.hi + b.hi)
        )
        return integers(shape, steps, lo, hi, a.scale)

    def run(self, call: Call) -> Tensor:
        """a + b, or a − b."""
        if (found := self._deferred(call)) is not None:
            return found
        a, b = (v.data for v in call.inputs)
        both = torch.sub if call.attrs.get("subtract") else torch.add
        if call.overwrites is None or a.shape != b.shape:
            return both(a, b)
        return both(a, b, out=call.inputs[call.overwrites].data)

    def _deferred(self, call: Call) -> Tensor | None:
        """With the affine in front of one operand, where that is still to be computed."""
        for k, value in enumerate(call.inputs):
            if isinstance(value, Deferred) and not call.attrs.get("subtract"):
                return value.added(call.inputs[1 - k].data)
        return None

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """One addition an output element."""
        return arithmetic(call, out, add=out.type.size)

    def arrive(self, call: Call) -> Mask:
        """Where either arrives."""
        return joined(call)


OP = Add()
