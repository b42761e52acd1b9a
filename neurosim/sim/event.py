"""Ties the compiled kernels to the operators: packed weights kept per node, and which engine is
likely faster."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.types import Kind, ValueType
from neurosim.ops._value import Call, Value

# Largest density at which the event kernel was faster than torch's dense one, on two cores
# (benchmarks/kernels.py).
SPATIAL, POINTWISE, LINEAR = 0.15, 0.06, 0.10
FEWEST_CHANNELS = 32  # below, a list of active channels is too short to pay


class EventKernels:
    """What ``Call.kernels`` offers to operators run by the event engine (CPU, float32)."""

    def __init__(self) -> None:
        self._packed: dict[str, Any] = {}

    def faster(self, node: Node, inputs: tuple[Value, ...]) -> bool:
        """Whether the event kernel probably beats torch, from the density of these operands."""
        if node.op not in ("convolution", "linear") or not inputs[0].type.discrete:
            return False
        (x,) = inputs
        density = float(x.active_total().sum()) / max(1, x.data.numel())
        if node.op == "linear":
            return density <= LINEAR and x.type.shape[-1] >= FEWEST_CHANNELS
        geometry = node.known.geometry
        assert geometry is not None
        if geometry.channels_in // geometry.groups < FEWEST_CHANNELS:
            return False
        return density <= (POINTWISE if math.prod(geometry.kernel) == 1 else SPATIAL)

    def convolution(self, call: Call) -> Tensor:
        """(steps, samples, C', *spatial')."""
        from neurosim.sim.kernels import conv

        (x,), a = call.inputs, call.attrs
        folded = x.data.flatten(0, 1).numpy()
        out = conv(
            folded,
            self._weights(call),
            _array(call, "bias"),
            a["stride"],
            a["padding"],
            a["dilation"],
            a["groups"],
            a["transposed"],
            a["output_padding"],
            spike=spike_value(x.type),
        )
        return torch.from_numpy(out).unflatten(0, x.data.shape[:2])

    def linear(self, call: Call) -> Tensor:
        """(steps, samples, …, out)."""
        from neurosim.sim.kernels import linear

        (x,) = call.inputs
        out = linear(
            x.data.numpy(), self._weights(call), _array(call, "bias"), spike=spike_value(x.type)
        )
        return torch.from_numpy(out)

    def matmul(self, call: Call) -> Tensor:
        """(steps, samples, …, M, N)."""
        from neurosim.sim.kernels import matmul

        a, b = call.inputs
        lead = torch.broadcast_shapes(a.data.shape[:-2], b.data.shape[:-2])
        left, right = (
            v.data.expand(*lead, *v.data.shape[-2:]).reshape(-1, *v.data.shape[-2:]) for v in (a, b)
        )
        out = matmul(left.contiguous().numpy(), right.contiguous().numpy())
        return torch.from_numpy(np.ascontiguousarray(out)).reshape(*lead, *out.shape[-2:])

    def _weights(self, call: Call) -> Any:
        from neurosim.sim.kernels import pack_weights

        name = call.node.name
        if name not in self._packed:
            weight = np.ascontiguousarray(call.params["weight"].contiguous().numpy())
            if call.node.op == "linear":
                self._packed[name] = pack_weights(weight)
            else:
                a = call.attrs
                self._packed[name] = pack_weights(weight, a["groups"], a["transposed"])
        return self._packed[name]


def spike_value(t: ValueType) -> float | None:
    """The one non-zero value of a SPIKE type with one scale; None when there are several."""
    return float(t.scale) if t.kind is Kind.SPIKE and t.uniform else None


def _array(call: Call, role: str) -> np.ndarray | None:
    found = call.params.get(role)
    return None if found is None else found.numpy()
