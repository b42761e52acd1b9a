"""How "an event arrived here" travels through operators that are not weights (counting rules,
section 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from neurosim.ir.op import Op
from neurosim.ops._value import Call, Mask, Value


def arrival(value: Value) -> Mask:
    """A discrete value arrives where it is active; a real one where something reached it."""
    return value.active() if value.type.discrete else value.arrived


def either(masks: list[Mask]) -> Mask:
    """Where any of them arrives."""
    if any(m is True for m in masks):
        return True
    tensors = [m for m in masks if isinstance(m, Tensor)]
    if not tensors:
        return False
    out = tensors[0]
    for other in tensors[1:]:
        out = out | other
    return out


def full(mask: Tensor, shape: torch.Size | tuple[int, ...]) -> Tensor:
    """The mask at every element."""
    return mask.expand(mask.shape[0], mask.shape[1], *shape[2:])


def as_float(mask: Tensor) -> Tensor:
    """0.0 / 1.0, to be moved about by an operator's own ``run``."""
    return mask.to(torch.float32)


STORED = "stored_only"  # in a call's state: synapses of weight 0 do not exist


def stored_arrival(op: Op, call: Call) -> Tensor | None:
    """Where an event arrives over a weight that is not 0, when that was asked for."""
    if not call.state.get(STORED) or not call.node.known.weight_zeros:
        return None
    (x,) = call.inputs
    weight = as_float(call.params["weight"] != 0)
    active = Value(as_float(x.active()), x.type)
    return op.run(Call(call.node, (active,), {"weight": weight}, {}, call.first_step)) > 0
