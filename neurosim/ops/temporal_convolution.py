"""Convolution whose kernel also spans the steps (Conv3d over a clip, Conv1d over time): (C,
*spatial) → (C', *spatial').

weight: (C', C/groups, kT, *k); the first of stride, padding and dilation is along time. An event's
step is the step of
its source element (counting rules, section 3). One output step makes a clip value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
from neurosim.ops._value import Call, Mask, Value, total
from neurosim.ops._weights import contract, event_counts, weight_facts
from neurosim.ops.convolution import axis_fan_out, axis_maps, out_size, zero_map

_DENSE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def out_steps(steps: int, attrs: Mapping[str, Any], kernel: int) -> int:
    """Length of the time axis of the output."""
    return out_size(
        steps, kernel, attrs["stride"][0], attrs["padding"][0], attrs["dilation"][0], False, 0
    )


class TemporalConvolution(Op):
    """attrs: stride, padding, dilation (time first), groups."""

    role = "weights"
    time = "clipwise"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Shape by torch's formulas; a clip value when one step is left."""
        (x,), a, weight = types, node.attrs, params["weight"]
        if (
            x.steps is None
            or x.shape[0] != weight.shape[1] * a["groups"]
            or len(x.shape) != weight.ndim - 2
        ):
            raise GraphError(f"at {node.name!r}: kernel {weight.shape} does not fit {x}")
        steps = out_steps(x.steps, a, weight.shape[2])
        if steps < 1:
            raise GraphError(
                f"at {node.name!r}: its temporal kernel of {weight.shape[2]} needs more than the "
                f"{x.steps} steps given"
            )
        sizes = (
            out_size(s, k, a["stride"][i + 1], a["padding"][i + 1], a["dilation"][i + 1], False, 0)
            for i, (s, k) in enumerate(zip(x.shape[1:], weight.shape[3:], strict=True))
        )
        return ValueType((weight.shape[0], *sizes), steps if steps > 1 else None)

    def facts(self, node: Node, types: Types, out: ValueType, params: Params) -> dict[str, Any]:
        """As a convolution with one more axis; fan_out_total is the mean of a slice, rounded
        down."""
        (x,), a, weight = types, node.attrs, params["weight"]
        steps = x.steps or 1
        maps = time_maps(
            a, weight.shape[2:], (steps, *x.shape[1:]), (out.steps or 1, *out.shape[1:])
        )
        per_group = weight.shape[0] // a["groups"]
        existing = x.shape[0] * per_group * math.prod(int(m.sum()) for m in maps)
        least = per_group * math.prod(int(m.min()) for m in maps)
        most = per_group * math.prod(int(m.max()) for m in maps)
        return weight_facts(weight, "bias" in params, node.params["weight"], params) | {
            "fan_in": math.prod(weight.shape[1:]),
            "fan_out": (least, existing / (x.size * steps), most),
            "fan_out_total": existing // steps,
            "existing_macs": existing,
            "dense_macs": weight.size * math.prod(out.shape[1:]) * (out.steps or 1),
            "kernel_in_time": weight.shape[2],
            "geometry": Geometry(
                x.shape[0],
                weight.shape[0],
                a["groups"],
                tuple(weight.shape[2:]),
                tuple(a["stride"]),
                tuple(a["dilation"]),
            ),
        }

    def run(self, call: Call) -> Tensor:
        """torch's convolution with time as its first spatial axis."""
        (x,), a, weight = call.inputs, call.attrs, call.params["weight"]
        data = x.data.permute(1, 2, 0, *range(3, x.data.ndim))
        if (
            call.kernels is not None
            and data.shape[2:] == weight.shape[2:]
            and not any(a["padding"])
        ):
            return _at_once(call, data)
        out = _DENSE[weight.ndim - 2](
            data,
            weight,
            call.params.get("bias"),
            a["stride"],
            a["padding"],
            a["dilation"],
            a["groups"],
        )
        return out.permute(2, 0, 1, *range(3, out.ndim))

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """Counting rules, sections 3, 6 and 7, per source step."""
        (x,), a, kernel = call.inputs, call.attrs, tuple(call.params["weight"].shape[2:])
        maps = time_maps(a, kernel, (x.steps, *x.type.shape[1:]), (out.steps, *out.type.shape[1:]))
        per_group = out.type.shape[0] // a["groups"]

        def fan_out(units: bool) -> np.ndarray:
            sums = x.active_sum((0,), units)[:, :, None]
            return contract(sums, maps[1:], per_group) * maps[0][:, None]

        counts = event_counts(
            x,
            fan_out,
            lambda: self._zero_fan_out(call, x),
            0,
            out.type.size,
            "bias" in call.params,
            out.steps,
        )
        if not x.type.discrete and not x.type.masked:
            slice_macs = x.type.shape[0] * per_group * math.prod(int(m.sum()) for m in maps[1:])
            macs = np.repeat((maps[0] * slice_macs)[:, None], x.samples, axis=1)
            bias = counts["weight_read"]
            counts |= {"mac": macs, "activation_read": macs, "weight_read": macs + bias}
        return counts

    def count_sources(
        self, call: Call, out_shape: tuple[int, ...], reached: np.ndarray
    ) -> dict[str, np.ndarray]:
        """What ``count`` says of source steps, some of a clip's. ``reached``: (steps, kT) bool, the
        taps at which an output reads each of them."""
        (x,), a, kernel = call.inputs, call.attrs, tuple(call.params["weight"].shape[2:])
        space = time_maps(a, kernel, (kernel[0], *x.type.shape[1:]), (1, *out_shape[1:]))[1:]
        per_group, taps = out_shape[0] // a["groups"], reached.sum(axis=1)[:, None]

        def fan_out(units: bool) -> np.ndarray:
            return contract(x.active_sum((0,), units)[:, :, None], space, per_group) * taps

        if x.type.discrete or x.type.masked:
            zeros = lambda: self._zeros_reached(call, x, reached)  # noqa: E731
            return event_counts(x, fan_out, zeros, 0, 0, False, x.steps)
        macs = x.type.shape[0] * per_group * math.prod(int(m.sum()) for m in space)
        every = np.broadcast_to(taps * macs, (x.steps, x.samples))
        return {event: every for event in ("mac", "activation_read", "weight_read")}

    def words_out(self, call: Call, out: Value) -> dict[str, int]:
        """What ``count`` says of one output step."""
        bias = out.type.size if "bias" in call.params else 0
        written = out.type.size if call.node.known.in_kinds[0] == "real" else 0
        return {"add": bias, "weight_read": bias, "activation_write": written}

    def _zeros_reached(self, call: Call, x: Value, reached: np.ndarray) -> np.ndarray:
        found = np.zeros((x.steps, x.samples), np.int64)
        if not call.node.known.weight_zeros:
            return found
        zeros = (call.params["weight"] == 0).double()
        at_once = {"stride": (1,), "padding": (0,), "dilation": (1,)}  # along time: one tap
        attrs = {**call.attrs, "transposed": False} | {
            k: (*first, *call.attrs[k][1:]) for k, first in at_once.items()
        }
        shape = (x.type.shape[0], 1, *x.type.shape[1:])
        active = x.active().double().flatten(2)
        for tap in range(zeros.shape[2]):
            places = zero_map(attrs, zeros[:, :, tap : tap + 1], shape)
            hit = total((active @ places.flatten()).numpy(force=True))
            found += hit * reached[:, tap, None]
        return found

    def _zero_fan_out(self, call: Call, x: Value) -> np.ndarray:
        if not call.node.known.weight_zeros:
            return np.zeros((x.steps, x.samples), np.int64)
        zeros = (call.params["weight"] == 0).double()
        attrs = {**call.attrs, "transposed": False}
        adjoint = zero_map(
            attrs, zeros, (x.type.shape[0], x.steps, *x.type.shape[1:])
        )  # (C, T, *spatial)
        active = x.active().double().permute(1, 2, 0, *range(3, x.data.ndim))  # (B, C, T, *spatial)
        return total((active * adjoint).movedim(2, 0).flatten(2).sum(2).numpy(force=True))

    def arrive(self, call: Call) -> Mask:
        """Dilated in space and time."""
        (x,), a = call.inputs, call.attrs
        if not x.type.discrete:
            return True
        if (stored := stored_arrival(self, call)) is not None:
            return stored
        weight = call.params["weight"]
        grouped = x.active().unflatten(2, (a["groups"], -1)).any(3)  # (T, B, g, *spatial)
        flat = (
            as_float(grouped).permute(1, 2, 0, *range(3, grouped.ndim)).flatten(0, 1).unsqueeze(1)
        )
        ones = torch.ones((1, 1, *weight.shape[2:]), device=flat.device)
        hit = (
            _DENSE[weight.ndim - 2](flat, ones, None, a["stride"], a["padding"], a["dilation"]) > 0
        )
        hit = hit[:, 0].unflatten(0, (x.samples, a["groups"]))  # (B, g, T', *spatial')
        mask = hit.permute(2, 0, 1, *range(3, hit.ndim))
        return mask.repeat_interleave(weight.shape[0] // a["groups"], dim=2)


def _at_once(call: Call, data: Tensor) -> Tensor:
    """Of a kernel as large as the clip, the one output: a product a group, where torch would slide
    over every axis first."""
    weight, groups = call.params["weight"], call.attrs["groups"]
    rows = data.reshape(len(data), groups, -1).transpose(0, 1)
    columns = weight.reshape(groups, len(weight) // groups, -1).transpose(1, 2)
    out = torch.bmm(rows, columns).transpose(0, 1).reshape(len(data), len(weight))
    if (bias := call.params.get("bias")) is not None:
        out = out + bias
    return out.reshape(1, *out.shape, *(1,) * (data.ndim - 3))


def time_maps(
    a: Mapping[str, Any], kernel: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]
) -> list[np.ndarray]:
    time = axis_fan_out(
        before[0], after[0], kernel[0], a["stride"][0], a["padding"][0], a["dilation"][0], False
    )
    rest = {k: a[k][1:] for k in ("stride", "padding", "dilation")} | {"transposed": False}
    return [time, *axis_maps(rest, before[1:], after[1:], kernel[1:])]


OP = TemporalConvolution()
