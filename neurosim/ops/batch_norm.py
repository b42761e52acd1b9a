"""Batch norm in eval: out = (x − mean) / √(var + eps) · weight + bias, per channel, or per step and
channel.

params: mean, var, weight, bias of shape (rows, C): rows is 1, or the number of steps (attrs
``per_step``).
"""

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


class BatchNorm(Op):
    """attrs: eps, axis (the channel axis of the shape), per_step."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """REAL, same shape."""
        return types[0].real()

    def run(self, call: Call) -> Tensor:
        """torch's batch norm on (samples, steps·C, …) or (steps·samples, C, …)."""
        (x,), eps = call.inputs, call.attrs["eps"]
        axis = call.attrs["axis"] + 2
        data = x.data.movedim(axis, 2)
        names = ("mean", "var", "weight", "bias")
        if call.attrs.get("per_step"):
            mean, var, weight, bias = (_rows(call, n, x.steps) for n in names)
            folded = data.movedim(1, 0).flatten(1, 2)
            out = _norm(folded, mean, var, weight, bias, eps)
            out = out.unflatten(1, (x.steps, -1)).movedim(1, 0)
        else:
            mean, var, weight, bias = (
                call.params[n][0] if n in call.params else None for n in names
            )
            out = _norm(data.flatten(0, 1), mean, var, weight, bias, eps)
            out = out.unflatten(0, data.shape[:2])
        return out.movedim(2, axis)

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """1 multiply + 1 add an element."""
        words = 2 * out.type.shape[call.attrs["axis"]]
        return arithmetic(call, out, add=out.type.size, multiply=out.type.size, parameters=words)

    def arrive(self, call: Call) -> Mask:
        """Through."""
        return joined(call)


def _rows(call: Call, name: str, steps: int) -> Tensor | None:
    if name not in call.params:
        return None
    rows = call.step_param(name, steps)
    return rows.expand(steps, -1).reshape(-1)


def _norm(
    x: Tensor,
    mean: Tensor | None,
    var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """torch's own kernel, never cuDNN's; some torch versions' functional form refuses eps = 0,
    which snapped norms have."""
    return torch.batch_norm(x, weight, bias, mean, var, False, 0.0, eps, False)


OP = BatchNorm()
