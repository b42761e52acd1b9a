"""Element-wise functions of one activity outside neurons: ReLU and clamps (compares), sigmoid,
tanh, exp, … (special)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType, integers
from neurosim.ops._pointwise import arithmetic, joined
from neurosim.ops._value import Call, Mask, Value

COMPARES: dict[str, Callable[..., Tensor]] = {
    "relu": torch.relu,
    "clamp": torch.clamp,
    "leaky_relu": F.leaky_relu,
    "hardtanh": F.hardtanh,
    "abs": torch.abs,
    "relu6": F.relu6,
    "sign": torch.sign,
}
SPECIALS: dict[str, Callable[..., Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "silu": F.silu,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal,
    "elu": F.elu,
    "softplus": F.softplus,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "mish": F.mish,
    "erf": torch.erf,
    "sin": torch.sin,
    "cos": torch.cos,
    "pow": torch.pow,
    "atan": torch.atan,
    "floor": torch.floor,
    "round": torch.round,
    "ceil": torch.ceil,
}


class Activation(Op):
    """attrs: ``function`` and ``arguments`` (positional numbers), ``options`` (keywords)."""

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """REAL; ReLU of integers keeps the non-negative integers."""
        (x,) = types
        positive = x.uniform and float(x.scale) > 0 if x.discrete else False
        if node.attrs["function"] == "relu" and x.discrete and positive:
            return integers(x.shape, x.steps, max(0, x.lo), max(0, x.hi), x.scale)
        return x.real()

    def run(self, call: Call) -> Tensor:
        """The torch function of that name."""
        a = call.attrs
        function = (COMPARES | SPECIALS)[a["function"]]
        return function(call.inputs[0].data, *a.get("arguments", ()), **dict(a.get("options", {})))

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """1 compare (2 for a two-sided clamp) or 1 special an element."""
        size, name = out.type.size, call.attrs["function"]
        if name not in COMPARES:
            return arithmetic(call, out, special=size)
        sides = 2 if name in ("hardtanh", "relu6") or _two_sided(call.attrs) else 1
        return arithmetic(call, out, compare=sides * size, multiply=size * (name == "leaky_relu"))

    def arrive(self, call: Call) -> Mask:
        """Through."""
        return joined(call)


def _two_sided(attrs: Mapping[str, Any]) -> bool:
    given = [
        v
        for v in (*attrs.get("arguments", ()), *dict(attrs.get("options", {})).values())
        if v is not None
    ]
    return attrs["function"] == "clamp" and len(given) == 2


OP = Activation()
