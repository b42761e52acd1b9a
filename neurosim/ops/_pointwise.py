"""What element-wise and movement operators share: counts of arithmetic and words, and arrival."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op
from neurosim.ops._arrive import arrival, as_float, either, full
from neurosim.ops._value import Call, Mask, Value


def arithmetic(
    call: Call,
    out: Value,
    *,
    add: int = 0,
    multiply: int = 0,
    compare: int = 0,
    special: int = 0,
    parameters: int = 0,
) -> dict[str, Any]:
    """Per slice: the given operations, and one word per element in and out (counting rules,
    sections 6 and 7)."""
    counts: dict[str, Any] = {
        "activation_read": sum(v.type.size for v in call.inputs),
        "activation_write": out.type.size,
        "weight_read": parameters,
    }
    numbers = {"add": add, "multiply": multiply, "compare": compare, "special": special}
    return counts | {event: int(n) for event, n in numbers.items() if n}


def joined(call: Call) -> Mask:
    """Where any operand arrives."""
    return either([arrival(v) for v in call.inputs])


def moved(op: Op, call: Call) -> Mask:
    """The operator's own movement applied to what arrived."""
    masks = [arrival(v) for v in call.inputs]
    if all(isinstance(m, bool) for m in masks):
        return any(m is True for m in masks)
    inputs = tuple(
        Value(_spread(m, v), v.type.real()) for m, v in zip(masks, call.inputs, strict=True)
    )
    inner = Call(call.node, inputs, call.params, {}, call.first_step)
    return op.run(inner) > 0


def _spread(mask: Mask, value: Value) -> Tensor:
    if isinstance(mask, bool):
        return torch.full_like(value.data, float(mask))
    return as_float(full(mask, value.data.shape))


def param_size(call: Call) -> int:
    """Words of all parameters that one step reads."""
    return sum(
        p[0].numel() if p.ndim and role.startswith("step_") else p.numel()
        for role, p in call.params.items()
    )


def broadcast_param(node: Node, param: Tensor) -> Tensor:
    """A parameter shaped like (…shape) or (steps|1, …shape) made to broadcast against (steps,
    samples, …shape)."""
    return param.unsqueeze(1) if node.attrs.get("per_step") else param
