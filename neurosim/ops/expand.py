"""Axes of length 1 repeated (a broadcast made explicit)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import arrival
from neurosim.ops._movement import moved_type
from neurosim.ops._value import Call, Mask, Value


class Expand(Op):
    """attrs: ``shape``."""

    role = "movement"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same kind."""
        (x,), shape = types, tuple(node.attrs["shape"])
        return moved_type(x, shape, lambda s: np.broadcast_to(s, shape))

    def run(self, call: Call) -> Tensor:
        """A view."""
        (x,) = call.inputs
        return x.data.expand(*x.data.shape[:2], *call.attrs["shape"])

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Movement: 0."""
        return {}

    def arrive(self, call: Call) -> Mask:
        """A broadcast mask needs no change."""
        return arrival(call.inputs[0])


OP = Expand()
