"""Convolution over the axes of one slice: (C, *spatial) → (C', *spatial'), 1-D to 3-D, plain or
transposed.

out[o, p] = Σ_{c, k} weight[o, c, k] · x[c, p·stride − padding + k·dilation] + bias[o]; padding is
zeros (other modes are
a ``pad`` node). Transposed: out[o, i·stride − padding + k·dilation] += weight[c, o, k] · x[c, i].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neurosim.errors import GraphError
from neurosim.ir.facts import Geometry
from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType
from neurosim.ops._arrive import as_float, stored_arrival
from neurosim.ops._layout import FEW, channels_last
from neurosim.ops._sums import products
from neurosim.ops._value import Call, Mask, Value, total
from neurosim.ops._weights import event_counts, expected, real_like, weight_facts

_DENSE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def out_size(
    size: int, kernel: int, stride: int, padding: int, dilation: int, transposed: bool, extra: int
) -> int:
    """Length of one output axis (torch.nn.Conv2d and ConvTranspose2d, "Shape")."""
    if transposed:
        return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@lru_cache(maxsize=1024)
def axis_fan_out(
    size: int, out: int, kernel: int, stride: int, padding: int, dilation: int, transposed: bool
) -> np.ndarray:
    """For each position of one input axis, how many output positions exist that read it (int64; not
    to be written to)."""
    source = np.arange(size)[:, None]
    tap = np.arange(kernel)[None, :] * dilation
    if transposed:
        target = source * stride - padding + tap
        return ((target >= 0) & (target < out)).sum(axis=1)
    place = source + padding - tap
    return ((place >= 0) & (place % stride == 0) & (place // stride < out)).sum(axis=1)


def axis_maps(
    attrs: Mapping[str, Any],
    in_spatial: tuple[int, ...],
    out_spatial: tuple[int, ...],
    kernel: tuple[int, ...],
) -> list[np.ndarray]:
    """``axis_fan_out`` for every spatial axis."""
    return [
        axis_fan_out(i, o, k, s, p, d, attrs["transposed"])
        for i, o, k, s, p, d in zip(
            in_spatial,
            out_spatial,
            kernel,
            attrs["stride"],
            attrs["padding"],
            attrs["dilation"],
            strict=True,
        )
    ]


class Convolution(Op):
    """See the module's equation. attrs: stride, padding, dilation, groups, transposed,
    output_padding."""

    role = "weights"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Shape by torch's formulas; kind REAL."""
        (x,) = types
        a, weight = node.attrs, params["weight"]
        n = weight.ndim - 2
        if len(x.shape) != n + 1:
            raise GraphError(f"at {node.name!r}: expects {n + 1} axes (C, *spatial), got {x.shape}")
        c_in = weight.shape[0] if a["transposed"] else weight.shape[1] * a["groups"]
        if x.shape[0] != c_in:
            raise GraphError(f"at {node.name!r}: expects {c_in} input channels, got {x.shape[0]}")
        c_out = weight.shape[1] * a["groups"] if a["transposed"] else weight.shape[0]
        spatial = (
            out_size(
                s,
                k,
                a["stride"][i],
                a["padding"][i],
                a["dilation"][i],
                a["transposed"],
                a["output_padding"][i],
            )
            for i, (s, k) in enumerate(zip(x.shape[1:], weight.shape[2:], strict=True))
        )
        return real_like(x, c_out, *spatial)

    def facts(self, node: Node, types: Types, out: ValueType, params: Params) -> dict[str, Any]:
        """Fan-in, fan-out, MACs and geometry."""
        (x,) = types
        weight, a = params["weight"], node.attrs
        kernel = weight.shape[2:]
        per_group = out.shape[0] // a["groups"]
        maps = axis_maps(a, x.shape[1:], out.shape[1:], kernel)
        spatial = math.prod(int(m.sum()) for m in maps)
        existing = x.shape[0] * per_group * spatial
        least = per_group * math.prod(int(m.min()) for m in maps)
        most = per_group * math.prod(int(m.max()) for m in maps)
        positions = math.prod(x.shape[1:] if a["transposed"] else out.shape[1:])
        steps = x.steps or 1
        return weight_facts(weight, "bias" in params, node.params["weight"], params) | {
            "fan_in": (x.shape[0] // a["groups"]) * math.prod(kernel),
            "fan_out": (least, existing / x.size, most),
            "fan_out_total": existing,
            "existing_macs": existing * steps,
            "dense_macs": weight.size * positions * steps,
            "geometry": Geometry(
                x.shape[0],
                out.shape[0],
                a["groups"],
                tuple(kernel),
                tuple(a["stride"]),
                tuple(a["dilation"]),
                a["transposed"],
            ),
        }

    def run(self, call: Call) -> Tensor:
        """torch's convolution with time folded into the batch, or the event kernel."""
        (x,), a = call.inputs, call.attrs
        if call.engine == "event" and x.type.discrete:
            return call.kernels.convolution(call)
        weight, bias = call.params["weight"], call.params.get("bias")
        folded = x.data.flatten(0, 1)
        n = weight.ndim - 2
        turned = call.kernels is not None and n == 2 and shrinks(folded, call.node.value)
        if (call.engine == "dense_planar" and n == 2) or turned:
            kernel = weight
            weight, folded = call.kept("planar", kernel.contiguous), folded.contiguous()
        elif call.kernels is not None and n == 2:  # torch would do it too, more slowly
            folded = channels_last(folded)
        if a["transposed"]:
            out = _TRANSPOSED[n](
                folded,
                weight,
                bias,
                a["stride"],
                a["padding"],
                a["output_padding"],
                a["groups"],
                a["dilation"],
            )
        else:
            out = _DENSE[n](
                folded, weight, bias, a["stride"], a["padding"], a["dilation"], a["groups"]
            )
        if turned:
            out = channels_last(out)
        return out.view(x.steps, x.samples, *out.shape[1:])

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Counting rules, sections 3, 6 and 7."""
        (x,) = call.inputs
        return event_counts(
            x,
            lambda units: self._fan_out(call, x, out, units),
            lambda: self._zero_fan_out(call, x),
            call.node.known.fan_out_total,
            out.type.size,
            "bias" in call.params,
            out.steps,
        )

    def _fan_out(self, call: Call, x: Value, out: Value, units: bool) -> np.ndarray:
        targets, everywhere = call.kept("targets", lambda: self._targets(call, x, out))
        if everywhere and not units:
            return x.active_total() * everywhere
        sums = x.active_sum((0,), units)  # every group has C'/groups targets a position
        return products(sums, targets) if sums.dtype == np.int64 else expected(sums, targets)

    def _targets(self, call: Call, x: Value, out: Value) -> tuple[np.ndarray, int]:
        """Fan-out of one channel at each position, int64, and that of all of them where it is one
        (0: it is not)."""
        kernel = tuple(call.params["weight"].shape[2:])
        maps = axis_maps(call.attrs, x.type.shape[1:], out.type.shape[1:], kernel)
        spread = np.array(out.type.shape[0] // call.attrs["groups"], np.int64)
        for axis in maps:
            spread = spread[..., None] * axis
        first = int(spread.flat[0]) if spread.size else 0
        return spread, first if (spread == first).all() else 0

    def _zero_fan_out(self, call: Call, x: Value) -> np.ndarray | int:
        if not call.node.known.weight_zeros:
            return 0
        adjoint = call.kept("zeros", lambda: self._zero_map(call, x))
        return total(
            torch.einsum("tbx,x->tb", x.active().flatten(2).double(), adjoint.flatten()).numpy(
                force=True
            )
        )

    def _zero_map(self, call: Call, x: Value) -> Tensor:
        return zero_map(call.attrs, (call.params["weight"] == 0).double(), x.type.shape)

    def arrive(self, call: Call) -> Mask:
        """Any active channel of the group, dilated by the kernel; a REAL operand always arrives."""
        (x,), a = call.inputs, call.attrs
        if not x.type.discrete:
            return True
        if (stored := stored_arrival(self, call)) is not None:
            return stored
        groups, weight = a["groups"], call.params["weight"]
        spatial = x.type.shape[1:]
        if groups > 1:
            grouped = x.active().unflatten(2, (groups, -1)).any(3)
        elif call.kernels is not None and not pointwise(a, tuple(weight.shape[2:])):
            return torch.from_numpy(call.kernels.reach(call, x.active_sum((0,))))
        else:
            grouped = torch.from_numpy(x.any_active(0)).to(x.device).unsqueeze(2)
        if pointwise(a, tuple(weight.shape[2:])):
            return (
                grouped
                if groups == 1
                else grouped.repeat_interleave(weight.shape[0] // groups, dim=2)
            )
        flat = as_float(grouped).reshape(-1, 1, *spatial)
        n = weight.ndim - 2
        ones = torch.ones((1, 1, *weight.shape[2:]), device=x.device)
        if a["transposed"]:
            hit = _TRANSPOSED[n](
                flat, ones, None, a["stride"], a["padding"], a["output_padding"], 1, a["dilation"]
            )
        else:
            hit = _DENSE[n](flat, ones, None, a["stride"], a["padding"], a["dilation"])
        mask = (hit > 0).reshape(x.steps, x.samples, groups, *hit.shape[2:])
        c_out = weight.shape[1] * groups if a["transposed"] else weight.shape[0]
        return mask if groups == 1 else mask.repeat_interleave(c_out // groups, dim=2)


def shrinks(frames: Tensor, out: ValueType) -> bool:
    """Whether a clip's few planes come out much smaller, so that moving the channels innermost
    afterwards is the less work."""
    few = frames.shape[1] <= FEW and frames.is_contiguous()
    return few and 2 * out.size * len(frames) <= frames.numel()


def pointwise(attrs: Mapping[str, Any], kernel: tuple[int, ...]) -> bool:
    """Whether every output position reads the one input position at the same place."""
    plain = not attrs["transposed"] and not any(attrs["padding"])
    return plain and all(k == 1 for k in kernel) and all(s == 1 for s in attrs["stride"])


def zero_map(attrs: Mapping[str, Any], zeros: Tensor, in_shape: tuple[int, ...]) -> Tensor:
    """For each source element, its existing targets whose weight is 0: the adjoint applied to ones
    (float64)."""
    n = zeros.ndim - 2
    x = torch.zeros((1, *in_shape), dtype=torch.float64, device=zeros.device, requires_grad=True)
    with torch.inference_mode(False), torch.enable_grad():
        a = attrs
        if a["transposed"]:
            y = _TRANSPOSED[n](
                x,
                zeros,
                None,
                a["stride"],
                a["padding"],
                a["output_padding"],
                a["groups"],
                a["dilation"],
            )
        else:
            y = _DENSE[n](x, zeros, None, a["stride"], a["padding"], a["dilation"], a["groups"])
        (adjoint,) = torch.autograd.grad(y.sum(), x)
    return adjoint[0].round()


OP = Convolution()
