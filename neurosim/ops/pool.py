"""Average and max pooling over the spatial axes of one slice (C, *spatial).

Average of k elements: k add + 1 multiply (a divisor of 1, a sum, multiplies nothing); max: k−1
compare (k: the elements of the window, existing or padded).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType, integers
from neurosim.ops._pointwise import arithmetic, joined, moved
from neurosim.ops._value import Call, Mask, Value

_AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
_MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


class Pool(Op):
    """attrs: mode ("average" | "max"), kernel, stride, padding, dilation, ceil_mode,
    count_include_pad, divisor."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """max keeps the kind (scale > 0); average is GRADED with scale / k where the divisor is
        constant."""
        (x,), a = types, node.attrs
        spatial = tuple(_size(s, i, a) for i, s in enumerate(x.shape[1:]))
        shape = (x.shape[0], *spatial)
        positive = x.discrete and bool(np.all(np.asarray(x.scale) > 0))
        if a["mode"] == "max":  # what pads is -inf: it never wins
            keep = positive and _along_channels(x)
            return (
                integers(shape, x.steps, x.lo, x.hi, x.scale)
                if keep
                else ValueType(shape, x.steps, masked=x.masked)
            )
        k = math.prod(a["kernel"])
        if x.discrete and x.uniform and _constant_divisor(a):
            divisor = a.get("divisor") or k
            return integers(
                shape, x.steps, min(0, x.lo * k), max(0, x.hi * k), float(x.scale) / divisor
            )
        return ValueType(shape, x.steps)

    def run(self, call: Call) -> Tensor:
        """torch's pooling with time folded into the batch."""
        (x,), a = call.inputs, call.attrs
        n = len(a["kernel"])
        folded = x.data.flatten(0, 1)
        if a["mode"] == "max" and n == 2 and x.type.discrete and call.kernels is not None:
            found = call.kernels.max_pool(call, call.node.value.shape[1:])
            if found is not None:
                return found
        if a["mode"] == "max":
            out = _MAX[n](
                folded, a["kernel"], a["stride"], a["padding"], a["dilation"], a["ceil_mode"]
            )
        elif n == 1:
            out = F.avg_pool1d(
                folded,
                a["kernel"],
                a["stride"],
                a["padding"],
                a["ceil_mode"],
                a["count_include_pad"],
            )
        else:
            out = _AVERAGE[n](
                folded,
                a["kernel"],
                a["stride"],
                a["padding"],
                a["ceil_mode"],
                a["count_include_pad"],
                a.get("divisor"),
            )
        return out.unflatten(0, x.data.shape[:2])

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Counting rules, section 6."""
        k, size = math.prod(call.attrs["kernel"]), out.type.size
        if call.attrs["mode"] == "max":
            return arithmetic(call, out, compare=(k - 1) * size)
        divides = (call.attrs.get("divisor") or k) != 1
        return arithmetic(call, out, add=k * size, multiply=size * divides)

    def arrive(self, call: Call) -> Mask:
        """Anything in the window."""
        mask = joined(call)
        return mask if isinstance(mask, bool) else moved(self, call)


def _size(size: int, i: int, a: Mapping[str, Any]) -> int:
    k, s, p, d = a["kernel"][i], a["stride"][i], a["padding"][i], a["dilation"][i]
    span = size + 2 * p - d * (k - 1) - 1
    out = -(-span // s) + 1 if a["ceil_mode"] else span // s + 1
    if a["ceil_mode"] and (out - 1) * s >= size + p:
        out -= 1
    return out


def _along_channels(x: ValueType) -> bool:
    """Whether the scale is the same at all places of a channel."""
    scale = np.asarray(x.scale)
    spatial = len(x.shape) - 1
    return scale.ndim == 0 or all(n == 1 for n in scale.shape[max(0, scale.ndim - spatial) :])


def _constant_divisor(a: Mapping[str, Any]) -> bool:
    return not a["ceil_mode"] and (
        bool(a.get("divisor")) or a["count_include_pad"] or not any(a["padding"])
    )


OP = Pool()
