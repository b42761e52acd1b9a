"""Padding as a value: zeros (or a constant), circular, reflect, replicate. Copies are existing
synapses; zeros are not.

attrs: mode, ``before`` and ``after`` (one number per axis; negative crops), ``value``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import arrival
from neurosim.ops._movement import with_zero
from neurosim.ops._pointwise import moved
from neurosim.ops._value import Call, Mask, Value


class Pad(Op):
    """See the module."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same kind; a non-zero constant makes it REAL; a scale that varies along a padded axis
        too."""
        (x,), a = types, node.attrs
        shape = tuple(s + b + e for s, b, e in zip(x.shape, a["before"], a["after"], strict=True))
        if a["mode"] == "constant" and a.get("value"):
            return ValueType(shape, x.steps)
        if not x.discrete or not x.uniform:
            return ValueType(shape, x.steps, masked=x.masked)
        return with_zero(x).with_shape(*shape) if a["mode"] == "constant" else x.with_shape(*shape)

    def run(self, call: Call) -> Tensor:
        """torch's pad with time folded into the batch."""
        (x,), a = call.inputs, call.attrs
        touched = next(
            (i for i, (b, e) in enumerate(zip(a["before"], a["after"], strict=True)) if b or e),
            None,
        )
        if touched is None:
            return x.data
        sizes = [
            n
            for i in reversed(range(touched, len(a["before"])))
            for n in (a["before"][i], a["after"][i])
        ]
        if a["mode"] == "constant":
            return F.pad(x.data, sizes, value=a.get("value") or 0.0)
        padded = len(x.type.shape) - touched
        flat = x.data.reshape(-1, 1, *x.type.shape[touched:])
        return F.pad(flat, sizes, mode=a["mode"]).reshape(
            *x.data.shape[: x.data.ndim - padded], *_ends(x, a, touched)
        )

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """The mask padded the same way (zeros bring nothing)."""
        mask = arrival(call.inputs[0])
        return mask if isinstance(mask, bool) else moved(self, call)


def _ends(x: Value, a: Mapping[str, Any], touched: int) -> list[int]:
    return [
        x.type.shape[i] + a["before"][i] + a["after"][i] for i in range(touched, len(x.type.shape))
    ]


OP = Pad()
