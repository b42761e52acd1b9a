"""Element-wise product of two activities: out = a · b.

Bills one multiply per element where every discrete operand is active (a spike gates: nothing is
computed for a 0), one
per output element when both are REAL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import Kind, ValueType, integers
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value
from neurosim.ops.matmul import product_range


class Multiply(Op):
    """SPIKE × SPIKE: SPIKE (and); integers × integers: GRADED; SPIKE × REAL: REAL, masked."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Counting rules, section 2, row ``a · b``."""
        a, b = types
        shape = tuple(np.broadcast_shapes(a.shape, b.shape))
        steps = a.steps if a.steps is not None else b.steps
        if a.discrete and b.discrete:
            lo, hi = product_range(a, b)
            both = a.kind is b.kind is Kind.SPIKE and a.shape == b.shape
            lo, hi = (0, 1) if both else (min(lo, 0), max(hi, 0))
            scale = np.multiply(a.scale, b.scale)
            out = integers(shape, steps, lo, hi, scale if scale.ndim else float(scale))
            return (
                out
                if both or out.kind is Kind.GRADED
                else ValueType(shape, steps, Kind.GRADED, lo, hi, out.scale)
            )
        masked = Kind.SPIKE in (a.kind, b.kind) or a.masked or b.masked
        return ValueType(shape, steps, masked=masked)

    def run(self, call: Call) -> Tensor:
        """a · b."""
        a, b = call.inputs
        return a.data * b.data

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Multiplications that happen."""
        counts = arithmetic(call, out)
        discrete = [v.active() for v in call.inputs if v.type.discrete]
        if not discrete:
            return arithmetic(call, out, multiply=out.type.size)
        happens = discrete[0] & discrete[-1]
        happens = happens.expand(out.data.shape) if happens.shape != out.data.shape else happens
        counts["multiply"] = happens.flatten(2).sum(2, dtype=torch.int64).numpy(force=True)
        return counts

    def arrive(self, call: Call) -> Mask:
        """Where either arrives."""
        return joined(call)


OP = Multiply()
