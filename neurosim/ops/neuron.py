"""A spiking neuron (or leaky integrator): a scan over the steps by the equation in ``ir.neuron``.

attrs: ``equation`` (``Neuron.to_dict``) and ``emit`` ("spike", or "v" for the membrane). Every
other parameter role is
an array of the equation, or the affine in front of it (counting rules, section 5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.neuron import Neuron
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import ValueType, integers
from neurosim.ops._arrive import arrival, full
from neurosim.ops._bits import Bits
from neurosim.ops._sums import true_elements
from neurosim.ops._value import Call, Mask, Value

UNBOUNDED = 2**24  # most spikes a step of a neuron without a stated limit


def equation(node: Node) -> Neuron:
    """The node's equation."""
    return Neuron.from_dict(node.attrs["equation"])


def _emitting(node: Node) -> Neuron:
    """The same, its membrane as the output where that is asked for."""
    neuron = equation(node)
    return neuron.emitting_membrane() if node.attrs.get("emit", "spike") == "v" else neuron


class NeuronOp(Op):
    """Spikes (SPIKE, GRADED for a multi-spike neuron) or the membrane (REAL)."""

    role = "neuron"
    time = "stateful"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Same shape as the input current."""
        (x,) = types
        neuron = equation(node)
        if node.attrs.get("emit", "spike") != "spike" or neuron.output != "spike":
            return x.real()
        most = neuron.max_spikes
        return integers(x.shape, x.steps, 0, UNBOUNDED if most is None else most)

    def facts(self, node: Node, types: Types, out: ValueType, params: Params) -> dict[str, Any]:
        """The equation as data."""
        neuron = equation(node)
        sunk = {r.removeprefix("affine_") for r in params if r.startswith("affine_")}
        per_neuron = any(
            np.size(p[0] if role.startswith("affine_") else p) == out.size and out.size > 1
            for role, p in params.items()
        )
        return {
            "neuron": neuron.to_dict()
            | {
                "per_neuron_parameters": per_neuron,
                "arrays": sorted(r for r in params if not r.startswith("affine_")),
                "affine": next(iter(sunk)) if len(sunk) == 1 else bool(sunk),
            },
            "state_words": neuron.state_words,
            "parameters": sum(int(p.size) for p in params.values()),
        }

    def run(self, call: Call) -> Tensor | Bits:
        """The torch scan, or what fuses it: the event engine, which emits bits where they are
        wanted, and a kernel on a device."""
        (x,) = call.inputs
        neuron = call.kept("equation", lambda: _emitting(call.node))
        if neuron.fixed_point is not None:
            from neurosim.ops import _neuron_fixed

            return _neuron_fixed.run(call, neuron, neuron.fixed_point)
        if call.attrs.get("memoryless"):
            return self._memoryless(call, neuron)
        if call.engine == "event" and x.device.type == "cpu":
            return self._fused(call, neuron)
        from neurosim.ops import _neuron_device, _neuron_scan

        state = call.state.get("neuron")
        if x.device.type == "cuda" and _neuron_device.launches(neuron, call.params):
            found = _neuron_device.scan_device(neuron, call.params, x.data, state, call.first_step)
        else:
            arrays = {k: self._array(call, k, x.steps) for k in call.params}
            found = _neuron_scan.scan(neuron, arrays, x.data, state)
        out, call.state["neuron"] = found
        return out

    def _fused(self, call: Call, neuron: Neuron) -> Tensor | Bits:
        from neurosim.ops._neuron_fused import scan_fused
        from neurosim.ops._neuron_short import readable

        x, own = call.inputs[0].data, call.overwrites is not None
        if not readable(x, neuron, call.bits_order is not None):
            x, own = x.contiguous(), True
        done = scan_fused(
            neuron,
            call.kept("arrays", lambda: {k: a.numpy() for k, a in call.params.items()}),
            x.numpy(),
            call.state.get("neuron_arrays"),
            first_step=call.first_step,
            bits_order=call.bits_order if neuron.max_spikes == 1 else None,
            both=neuron.max_spikes == 1,
            overwrite=own,
            plans=None if call.kernels is None else call.kernels.plans(call.node.name),
        )
        call.state["neuron_arrays"] = done.state
        call.found = done.spikes, done.bits
        return done.out if isinstance(done.out, Bits) else torch.from_numpy(done.out)

    def _memoryless(self, call: Call, neuron: Neuron) -> Tensor:
        """The model hands over no state: every step starts fresh."""
        from neurosim.ops import _neuron_scan

        (x,) = call.inputs
        arrays = {k: p for k, p in call.params.items() if not k.startswith("affine_")}
        data = x.data
        if "affine_scale" in call.params:
            data = data * call.step_param("affine_scale", x.steps).unsqueeze(1)
        if "affine_bias" in call.params:
            data = data + call.step_param("affine_bias", x.steps).unsqueeze(1)
        out, _ = _neuron_scan.scan(neuron, arrays, data.flatten(0, 1).unsqueeze(0), None)
        return out[0].unflatten(0, x.data.shape[:2])

    def _array(self, call: Call, role: str, steps: int) -> Tensor:
        return call.step_param(role, steps) if role.startswith("affine_") else call.params[role]

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """spike, active and idle neuron-steps, state words; nothing for a membrane that is only
        looked at."""
        if call.attrs.get("emit", "spike") == "v" and equation(call.node).output == "spike":
            return {}
        facts, size = call.node.known, out.type.size
        active = self._active(call, out)
        words = size * facts.state_words
        per_neuron = bool(facts.neuron.get("per_neuron_parameters"))
        counts = {
            "neuron_active": active,
            "neuron_idle": size - active,
            "state_read": words,
            "state_write": words,
            "weight_read": size if per_neuron else 0,
        }
        if out.type.discrete:
            emitted, out.bits = call.found or (None, None)
            if emitted is None:
                emitted = out.active_sum(tuple(range(len(out.type.shape))), units=out.type.hi > 1)
            elif out.type.hi == 1:
                out.spikes = emitted
            counts["spike"] = emitted
            counts["activation_write"] = counts["spike"]
        return counts

    def _active(self, call: Call, out: Value) -> np.ndarray | int:
        (x,), size, slices = call.inputs, out.type.size, (out.steps, out.samples)
        if x.type.discrete and x.type.size == size and x.device.type == "cpu":
            counted = x.active_total()
        elif isinstance(mask := arrival(x), bool):
            return size if mask else 0
        else:
            apart = math.prod(mask.shape[2:])
            repeats = size // max(1, apart)
            if repeats * apart != size:
                mask, repeats = full(mask, tuple(out.held.shape)), 1
            counted = _true(mask) * repeats
        return counted if counted.shape == slices else np.broadcast_to(counted, slices)

    def arrive(self, call: Call) -> Mask:
        """A membrane that is read on is a REAL path."""
        return True


def _true(mask: Tensor) -> np.ndarray:
    """Elements of a slice that are set, int64 (steps, samples); floor of their expected number."""
    if mask.dtype is torch.bool and mask.device.type == "cpu" and mask.is_contiguous():
        return true_elements(mask)
    counted = mask.flatten(2).sum(2) if mask.ndim > 2 else mask
    return counted.numpy(force=True).astype(np.int64)


OP = NeuronOp()
