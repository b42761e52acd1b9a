"""Sum, mean or maximum over axes of one slice (global average pooling, token means, …).

sum of k: k add (k−1 strictly; the rules bill a pool's k); mean: k add + 1 multiply; maximum: k−1
compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import Kind, ValueType, integers
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value


def reduced_type(
    x: ValueType, mode: str, k: int, shape: tuple[int, ...], steps: int | None
) -> ValueType:
    """Sum: GRADED, range × length; mean: the same with scale / length; maximum keeps the kind."""
    if not (x.discrete and x.uniform):
        return ValueType(shape, steps)
    if mode == "max":
        keep = float(x.scale) > 0
        return integers(shape, steps, x.lo, x.hi, x.scale) if keep else ValueType(shape, steps)
    scale = float(x.scale) / (k if mode == "mean" else 1)
    return ValueType(shape, steps, Kind.GRADED, min(0, x.lo * k), max(0, x.hi * k), scale)


class Reduce(Op):
    """attrs: mode ("sum" | "mean" | "max"), axes (of the shape), keepdim."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """See ``reduced_type``."""
        (x,), a = types, node.attrs
        axes = set(a["axes"])
        k = 1
        for i in axes:
            k *= x.shape[i]
        kept = [
            (1 if i in axes else s) for i, s in enumerate(x.shape) if a["keepdim"] or i not in axes
        ]
        return reduced_type(x, a["mode"], k, tuple(kept), x.steps)

    def run(self, call: Call) -> Tensor:
        """torch's reduction."""
        (x,), a = call.inputs, call.attrs
        dims = [i + 2 for i in a["axes"]]
        if a["mode"] == "max":
            return x.data.amax(dims, keepdim=a["keepdim"])
        function = x.data.sum if a["mode"] == "sum" else x.data.mean
        return function(dims, keepdim=a["keepdim"])

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Counting rules, section 6 (as a pool)."""
        (x,) = call.inputs
        k = x.type.size // max(1, out.type.size)
        size = out.type.size
        if call.attrs["mode"] == "max":
            return arithmetic(call, out, compare=(k - 1) * size)
        return arithmetic(call, out, add=k * size, multiply=size * (call.attrs["mode"] == "mean"))

    def arrive(self, call: Call) -> Mask:
        """Anything among the reduced elements."""
        mask, a = joined(call), call.attrs
        if isinstance(mask, bool):
            return mask
        for axis in sorted(a["axes"], reverse=True):
            mask = mask.any(axis + 2, keepdim=a["keepdim"])
        return mask


OP = Reduce()
