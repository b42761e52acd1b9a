"""Another shape, same order of elements."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurosim.errors import GraphError
from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import arrival
from neurosim.ops._movement import moved_type
from neurosim.ops._pointwise import moved
from neurosim.ops._value import Call, Mask, Value


class Reshape(Op):
    """attrs: ``shape``."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same kind."""
        (x,), shape = types, tuple(node.attrs["shape"])
        if math.prod(shape) != x.size:
            raise GraphError(f"at {node.name!r}: cannot reshape {x.shape} to {shape}")
        return moved_type(x, shape, lambda s: s.reshape(shape))

    def run(self, call: Call) -> Tensor:
        """A view where memory allows."""
        (x,) = call.inputs
        return x.data.reshape(*x.data.shape[:2], *call.attrs["shape"])

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """A mask that only varies along untouched leading axes keeps its small form."""
        mask = arrival(call.inputs[0])
        if isinstance(mask, bool):
            return mask
        if all(s == 1 for s in mask.shape[2:]):
            return mask.reshape(*mask.shape[:2], *[1] * len(call.attrs["shape"]))
        small = _per_leading_block(mask, call.inputs[0].type.shape, tuple(call.attrs["shape"]))
        return moved(self, call) if small is None else small


def _per_leading_block(mask: Tensor, old: tuple[int, ...], new: tuple[int, ...]) -> Tensor | None:
    """Keep a mask broadcast over the last axis when the reshape splits that axis, or over the first
    when it merges
    the others."""
    if (
        mask.shape[-1] == 1
        and tuple(mask.shape[2:-1]) == old[:-1]
        and new[: len(old) - 1] == old[:-1]
    ):
        return mask.reshape(*mask.shape[:-1], *[1] * (len(new) - len(old) + 1))
    if mask.shape[2] == 1 and tuple(mask.shape[3:]) == old[1:] and new[0] == old[0]:
        return mask.reshape(*mask.shape[:3], *new[1:])
    return None


OP = Reshape()
