"""Values joined along one axis: the least lo and the largest hi of equal scales, REAL otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import Kind, ValueType, integers, scales_equal
from neurosim.ops._arrive import arrival, full
from neurosim.ops._value import Call, Mask, Value


class Concat(Op):
    """attrs: ``axis``."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """See the module's rule."""
        axis, first = node.attrs["axis"], types[0]
        length = sum(t.shape[axis] for t in types)
        shape = (*first.shape[:axis], length, *first.shape[axis + 1 :])
        steps = next((t.steps for t in types if t.steps is not None), None)
        equal = all(t.discrete and t.uniform and scales_equal(t.scale, first.scale) for t in types)
        if not equal:
            return ValueType(shape, steps)
        lo, hi = min(t.lo for t in types), max(t.hi for t in types)
        if all(t.kind is Kind.SPIKE for t in types):
            return integers(shape, steps, 0, 1, first.scale)
        return ValueType(shape, steps, Kind.GRADED, lo, hi, first.scale)

    def run(self, call: Call) -> Tensor:
        """torch.cat, a clip operand repeated over the steps, a constant over the samples."""
        steps, samples = (max(v.data.shape[i] for v in call.inputs) for i in (0, 1))
        parts = [v.data.expand(steps, samples, *v.data.shape[2:]) for v in call.inputs]
        return torch.cat(parts, call.attrs["axis"] + 2)

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """The masks side by side."""
        masks = [arrival(v) for v in call.inputs]
        if all(m is True for m in masks) or all(m is False for m in masks):
            return masks[0]
        steps, samples = (max(v.data.shape[i] for v in call.inputs) for i in (0, 1))
        parts = []
        for m, v in zip(masks, call.inputs, strict=True):
            here = (
                torch.full(v.data.shape, m, device=v.data.device)
                if isinstance(m, bool)
                else full(m, v.data.shape)
            )
            parts.append(here.expand(steps, samples, *here.shape[2:]))
        return torch.cat(parts, call.attrs["axis"] + 2)


OP = Concat()
