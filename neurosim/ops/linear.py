"""Linear map over the last axis: out[…, o] = Σ_i weight[o, i] · x[…, i] + bias[o]."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neurosim.errors import GraphError
from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import stored_arrival
from neurosim.ops._value import Call, Mask, Value, total
from neurosim.ops._weights import event_counts, real_like, weight_facts


class Linear(Op):
    """params: weight (out, in), bias (out,) optional."""

    role = "weights"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """(…, in) → (…, out), REAL."""
        (x,) = types
        out, features = params["weight"].shape
        if not x.shape or x.shape[-1] != features:
            raise GraphError(
                f"at {node.name!r}: expects {features} input features, got shape {x.shape}"
            )
        return real_like(x, *x.shape[:-1], out)

    def facts(self, node: Node, types: Types, out: ValueType, params: Params) -> dict[str, Any]:
        """Every element reaches all outputs."""
        (x,) = types
        weight = params["weight"]
        macs = math.prod(x.shape[:-1]) * weight.size
        return weight_facts(weight, "bias" in params, node.params["weight"], params) | {
            "fan_in": weight.shape[1],
            "fan_out": (weight.shape[0], float(weight.shape[0]), weight.shape[0]),
            "fan_out_total": macs,
            "existing_macs": macs * (x.steps or 1),
            "dense_macs": macs * (x.steps or 1),
        }

    def run(self, call: Call) -> Tensor:
        """torch's linear, or the event kernel."""
        (x,) = call.inputs
        if call.engine == "event" and x.type.discrete:
            return call.kernels.linear(call)
        data = x.data.contiguous()  # torch multiplies slice by slice otherwise: 20 times slower
        return F.linear(data, call.params["weight"], call.params.get("bias"))

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Counting rules, sections 3, 6 and 7."""
        (x,) = call.inputs
        fan = call.params["weight"].shape[0]
        return event_counts(
            x,
            lambda units: (_units(x) if units else x.active_total()) * fan,
            lambda: self._zero_fan_out(call, x),
            call.node.known.fan_out_total,
            out.type.size,
            "bias" in call.params,
            out.steps,
        )

    def _zero_fan_out(self, call: Call, x: Value) -> np.ndarray | int:
        if not call.node.known.weight_zeros:
            return 0
        zeros = call.kept("zeros", lambda: (call.params["weight"] == 0).sum(0).double())
        by_feature = (
            x.active().double().flatten(2, -2).sum(2) if x.data.ndim > 3 else x.active().double()
        )
        return total(torch.einsum("tbi,i->tb", by_feature, zeros).numpy(force=True))

    def arrive(self, call: Call) -> Mask:
        """Any active feature reaches every output."""
        (x,) = call.inputs
        if not x.type.discrete:
            return True
        if (stored := stored_arrival(self, call)) is not None:
            return stored
        rows = x.any_active(len(x.type.shape) - 1)
        return torch.from_numpy(rows).unsqueeze(-1).to(x.device)


def _units(x: Value) -> np.ndarray:
    """Σ|n|: int64 (steps, samples)."""
    return x.active_sum(tuple(range(len(x.type.shape))), True)


OP = Linear()
