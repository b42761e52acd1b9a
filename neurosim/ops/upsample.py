"""Up-sampling of the spatial axes: nearest keeps the kind (movement); other interpolation is REAL.

bilinear and its kin bill one multiply and one add per tap and output element (2 taps an axis;
bicubic 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._pointwise import arithmetic, joined, moved
from neurosim.ops._value import Call, Mask, Value


class Upsample(Op):
    """attrs: mode, size, align_corners, ``factors`` (scale factors as the user wrote them, or
    None)."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """(C, *size)."""
        (x,) = types
        shape = (x.shape[0], *node.attrs["size"])
        keep = node.attrs["mode"] == "nearest" and x.uniform
        return x.with_shape(*shape) if keep else ValueType(shape, x.steps)

    def run(self, call: Call) -> Tensor:
        """torch's interpolate with time folded into the batch."""
        (x,), a = call.inputs, call.attrs
        corners = (
            {}
            if a["mode"] in ("nearest", "nearest-exact")
            else {"align_corners": a.get("align_corners", False)}
        )
        sizes: dict[str, Any] = {"size": tuple(a["size"])}
        out = F.interpolate(x.data.flatten(0, 1), mode=a["mode"], **sizes, **corners)
        return out.unflatten(0, x.data.shape[:2])

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement, or taps."""
        a = call.attrs
        if a["mode"].startswith("nearest"):
            return {}
        taps = (4 if a["mode"] == "bicubic" else 2) ** len(a["size"]) * out.type.size
        return arithmetic(call, out, add=taps, multiply=taps)

    def arrive(self, call: Call) -> Mask:
        """Where an interpolated element reads something that arrived."""
        mask = joined(call)
        return mask if isinstance(mask, bool) else moved(self, call)


OP = Upsample()
