"""Ties the compiled kernels to the operators: weights are packed once per node."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.types import Kind, ValueType
from neurosim.ops._bits import Bits
from neurosim.ops._neuron_fused import Feedback
from neurosim.ops._value import Call, Value


class EventKernels:
    """What ``Call.kernels`` offers to operators run by the event engine (CPU, float32)."""

    def __init__(self, packed: dict[Any, Any] | None = None) -> None:
        held = {} if packed is None else packed
        self._packed: dict[str, Any] = held.setdefault("/weights", {})  # by node
        self._plans: dict[str, dict[Any, Any]] = held.setdefault("/plans", {})

    def convolution(self, call: Call) -> Tensor:
        """(steps, samples, C', *spatial')."""
        from neurosim.sim.kernels import conv
        from neurosim.sim.kernels.masked import masks

        (x,), a = call.inputs, call.attrs
        packed, step = self._weights(call)
        spike = spike_value(x.type)
        single = packed.inputs == 1 < packed.groups
        bits = None if single and not masks(packed, x.type.shape[0]) else _bits(x)
        out = conv(
            x.data.flatten(0, 1).numpy() if bits is None else bits,
            packed,
            _array(call, "bias"),
            a["stride"],
            a["padding"],
            a["dilation"],
            a["groups"],
            a["transposed"],
            a["output_padding"],
            spike=spike,
            scale=_scale(spike, step),
        )
        out = torch.from_numpy(out)
        if bits is not None:
            out = out.reshape(*out.shape[:2], *out.shape[5 - packed.rank :])
        return out.unflatten(0, (x.steps, x.samples))

    def reach(self, call: Call, active: np.ndarray) -> np.ndarray:
        """Which outputs of a convolution of one group an event reaches: bool (steps, samples, 1,
        *spatial'). ``active``: active channels, int64 (steps, samples, *spatial)."""
        from neurosim.sim.kernels.convolution import axes_of
        from neurosim.sim.kernels.reach import reach

        a, kernel, spatial = call.attrs, tuple(call.params["weight"].shape[2:]), active.shape[2:]
        sizes, kernels = (1,) * (3 - len(spatial)) + spatial, (1,) * (3 - len(spatial)) + kernel
        settings = (a["stride"], a["padding"], a["dilation"], a["output_padding"])
        layer = (sizes, kernels, len(spatial), *settings, a["transposed"])
        axes = call.kept("axes", lambda: axes_of(*layer))
        out = reach(active.reshape(-1, *sizes), axes)
        return out.reshape(*active.shape[:2], 1, *out.shape[4 - len(spatial) :])

    def max_pool(self, call: Call, sizes: tuple[int, ...]) -> Tensor | None:
        """(steps, samples, C, *sizes) of two axes; None where channels do not lie innermost, or
        windows have holes."""
        from neurosim.sim.kernels.pooling import max_pool, spans

        (x,), a = call.inputs, call.attrs
        frames = x.data.flatten(0, 1).permute(0, 2, 3, 1)
        if not frames.is_contiguous() or any(d != 1 for d in a["dilation"]):
            return None
        settings = zip(
            frames.shape[1:3], sizes, a["kernel"], a["stride"], a["padding"], strict=True
        )
        out = torch.from_numpy(max_pool(frames.numpy(), *(spans(*axis) for axis in settings)))
        return out.permute(0, 3, 1, 2).unflatten(0, (x.steps, x.samples))

    def linear(self, call: Call) -> Tensor:
        """(steps, samples, …, out)."""
        from neurosim.sim.kernels import conv, linear

        (x,) = call.inputs
        packed, step = self._weights(call)
        bias, spike = _array(call, "bias"), spike_value(x.type)
        scale = _scale(spike, step)
        bits = _bits(x, features_last=True)
        if bits is None:
            return torch.from_numpy(linear(x.data.numpy(), packed, bias, spike, scale))
        out = conv(bits, packed, bias, spike=spike, scale=scale)  # (N, out, 1, 1, rows)
        shape = (x.steps, x.samples, *x.type.shape[:-1], packed.outputs)
        return torch.from_numpy(out.transpose(0, 2, 3, 4, 1)).reshape(shape)

    def feedback(self, call: Call) -> Feedback:
        """The matrix of a linear node that neurons feed themselves through."""
        from neurosim.sim.kernels.packing import padded_bias

        packed, step = self._weights(call)
        spike = spike_value(call.inputs[0].type)
        scale = (1.0 if spike is None else spike) * (1.0 if step is None else step)
        bias = padded_bias(_array(call, "bias"), packed.outputs)
        return Feedback(packed.rows, packed.tiles[0], bias, scale)

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

    def small_products(self, call: Call) -> tuple[Tensor, Any] | None:
        """(steps, samples, …, M, N) and what met (``Met``); None where torch is to multiply: large
        ones, and operands that lie otherwise or repeat."""
        from neurosim.sim.kernels.small_products import MOST, Laid, fits, small_products

        a, b = (v.data for v in call.inputs)
        if a.shape[:-2] != b.shape[:-2] or a.ndim not in (4, 5):
            return None
        sizes = (*a.shape[:2], *(a.shape[2:-2] or (1,)), *a.shape[-2:], b.shape[-1])
        if not 0 < math.prod(sizes) <= MOST * sizes[0] * sizes[1]:
            return None
        left, right = (_laid(x, Laid) for x in (a, b))
        if not fits(left, right, sizes):
            return None
        scale = float(call.node.value.scale)
        out, met = small_products(left, right, sizes, scale)
        return torch.from_numpy(out if a.ndim == 5 else out[:, :, 0]), met

    def plans(self, name: str) -> dict[Any, Any]:
        """What a node keeps from run to run."""
        found = self._plans.get(name)
        if found is None:
            found = self._plans[name] = {}
        return found

    def _weights(self, call: Call) -> tuple[Any, float | None]:
        """Packed weights, and the step of their grid where they are integers on one."""
        from neurosim.sim.kernels import pack_weights

        name = call.node.name
        if name not in self._packed:
            weight, step = np.ascontiguousarray(call.params["weight"].contiguous().numpy()), None
            shape = (call.attrs.get("groups", 1), call.attrs.get("transposed", False))
            found = on_grid(weight) if spike_value(call.inputs[0].type) is not None else None
            if found is not None and not (weight.shape[1] == 1 < shape[0]):
                weight, step = found
            self._packed[name] = pack_weights(weight, *shape), step
        return self._packed[name]


def _laid(x: Tensor, make: Any) -> Any:
    """Its memory, and how far apart neighbours along (steps, samples, heads, rows, columns) lie."""
    apart = x.stride()
    length = 1 + sum((n - 1) * step for n, step in zip(x.shape, apart, strict=True))
    heads = apart if x.ndim == 5 else (*apart[:2], 0, *apart[2:])
    return make(x.as_strided((length,), (1,)).numpy(), heads)


MOST_ROWS = 2**24 // 128  # int8 rows whose sum float32 holds exactly


def on_grid(weight: np.ndarray) -> tuple[np.ndarray, float] | None:
    """(int8 weights, step) with weight = step · int8 and step a power of two, or None.

    Sums of spikes are then the same bits in integers as in float32, and faster.
    """
    most = float(np.abs(weight).max(initial=0))
    if not 0 < most < np.inf or math.prod(weight.shape[1:]) > MOST_ROWS:
        return None
    step = 2.0 ** math.ceil(math.log2(most / 127))
    numbers = weight / np.float32(step)
    small = numbers.astype(np.int8) if np.abs(numbers).max() <= 127 else None
    return None if small is None or (small != numbers).any() else (small, step)


def _scale(spike: float | None, step: float | None) -> float | None:
    return None if spike is None or step is None else spike * step


def spike_value(t: ValueType) -> float | None:
    """The one non-zero value of a SPIKE type with one scale; None when there are several."""
    return float(t.scale) if t.kind is Kind.SPIKE and t.uniform else None


def _bits(x: Value, features_last: bool = False) -> Any:
    """Spikes that the kernels can walk over as they lie in memory, or None."""
    from neurosim.sim.kernels.events import bit_frames

    bits = x.held if isinstance(x.held, Bits) else x.bits
    return None if bits is None else bit_frames(bits, features_last)


def _array(call: Call, role: str) -> np.ndarray | None:
    found = call.params.get(role)
    return None if found is None else found.numpy()
