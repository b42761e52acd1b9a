"""Layer norm over trailing axes, and group (instance) norm over channel groups: statistics of the
value itself.

3 add + 2 multiply an element, 1 special a group (counting rules, section 6).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value


class LayerNorm(Op):
    """attrs: ``axes`` (how many trailing axes) or ``groups`` (of axis 0); eps. params: weight,
    bias."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """REAL, same shape."""
        return types[0].real()

    def run(self, call: Call) -> Tensor:
        """torch's layer_norm or group_norm."""
        (x,), a = call.inputs, call.attrs
        weight, bias = call.params.get("weight"), call.params.get("bias")
        if a.get("groups"):
            out = F.group_norm(x.data.flatten(0, 1), a["groups"], weight, bias, a["eps"])
            return out.unflatten(0, x.data.shape[:2])
        return F.layer_norm(x.data, x.type.shape[-a["axes"] :], weight, bias, a["eps"])

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """3 add + 2 multiply an element, 1 special a group."""
        size, a = out.type.size, call.attrs
        groups = a["groups"] if a.get("groups") else size // math.prod(out.type.shape[-a["axes"] :])
        words = sum(p.numel() for p in call.params.values())
        return arithmetic(
            call, out, add=3 * size, multiply=2 * size, special=groups, parameters=words
        )

    def arrive(self, call: Call) -> Mask:
        """Statistics mix all elements: an event anywhere reaches the whole slice."""
        mask = joined(call)
        return (
            mask
            if isinstance(mask, bool)
            else mask.flatten(2)
            .any(2)
            .reshape(*mask.shape[:2], *[1] * len(call.inputs[0].type.shape))
        )


OP = LayerNorm()
