"""Product of two activities: out[…, m, n] = Σ_k a[…, m, k] · b[…, k, n] (counting rules, section
4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import GraphError
from neurosim.ir.graph import Node
from neurosim.ir.op import Op, Params, Types
from neurosim.ir.types import Kind, ValueType, integers
from neurosim.ops._sums import products
from neurosim.ops._value import Call, Mask, Value, power_of_two, total


def product_range(a: ValueType, b: ValueType) -> tuple[int, int]:
    """Least and largest product of one integer of each."""
    ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
    return min(ends), max(ends)


class Matmul(Op):
    """Operands (…, M, K) and (…, K, N) as the model multiplies them; neurosim never reassociates.

    params: ``keep_out`` (…, M, N) or ``keep_left`` (…, M, K), bool: the pairs that exist; a masked
    pair counts no event.
    """

    role = "product"

    def infer(self, node: Node, types: Types, params: Params) -> ValueType:
        """Integers × integers: GRADED with the range times K; anything else REAL."""
        a, b = types
        if len(a.shape) < 2 or len(b.shape) < 2 or a.shape[-1] != b.shape[-2]:
            raise GraphError(f"at {node.name!r}: cannot multiply {a.shape} by {b.shape}")
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        shape = (*lead, a.shape[-2], b.shape[-1])
        steps = a.steps if a.steps is not None else b.steps
        if not (a.discrete and b.discrete and a.uniform and b.uniform):
            return ValueType(shape, steps)
        lo, hi = product_range(a, b)
        k = a.shape[-1]
        return integers(
            shape, steps, min(0, lo * k), max(0, hi * k), float(a.scale) * float(b.scale)
        )

    def facts(self, node: Node, types: Types, out: ValueType, params: Params) -> dict[str, Any]:
        """MACs of the dense product."""
        a, _ = types
        k = a.shape[-1]
        macs, existing = out.size * k, out.size * k
        if "keep_out" in params:
            existing = int(np.broadcast_to(params["keep_out"], out.shape).sum()) * k
        elif "keep_left" in params:
            existing = (
                int(np.broadcast_to(params["keep_left"], (*out.shape[:-1], k)).sum())
                * out.shape[-1]
            )
        steps = out.steps or 1
        return {"fan_in": k, "dense_macs": macs * steps, "existing_macs": existing * steps}

    def run(self, call: Call) -> Tensor:
        """torch's matmul, the event kernel, or the one that counts small products on its way."""
        a, b = call.inputs
        if call.engine == "event" and a.type.discrete and b.type.discrete:
            return call.kernels.matmul(call)
        if call.kernels is not None and not call.params and _exact(call):
            small = call.kernels.small_products(call)
            if small is not None:
                out, call.found = small
                return out
        return a.data @ b.data

    def count(self, call: Call, out: Value) -> Mapping[str, Any]:
        """coincidence and both fan-outs, one side's fan-out, or mac."""
        a, b = call.inputs
        rows, cols, k = a.type.shape[-2], b.type.shape[-1], a.type.shape[-1]
        if call.found is not None:
            return _met(call, out)
        lead = math.prod(out.type.shape[:-2])
        repeat_a = lead // max(1, math.prod(a.type.shape[:-2]))
        repeat_b = lead // max(1, math.prod(b.type.shape[:-2]))
        counts: dict[str, Any] = {"activation_write": out.type.size}
        read: Any = 0
        spikes = a.type.kind is b.type.kind is Kind.SPIKE
        added = spikes and _adds_up(call, out)
        if a.type.discrete and b.type.discrete and not call.params and not added:
            _by_meeting(a, b, False)  # totals come from these sums
        if a.type.discrete:
            counts["fanout_left"] = _steps(a.active_total(), out) * cols * repeat_a
            read = read + _steps(a.active_total(), out)
        else:
            read = read + a.type.size
        if b.type.discrete:
            counts["fanout_right"] = _steps(b.active_total(), out) * rows * repeat_b
            read = read + _steps(b.active_total(), out)
        else:
            read = read + b.type.size
        counts["activation_read"] = read
        kept = masked(call, a, b, out) if call.params else {}
        counts |= {event: n for event, n in kept.items() if event in counts}
        accumulations = self._meetings(call, a, b, out, k, counts, kept)
        counts["state_read"] = accumulations
        counts["state_write"] = accumulations
        return counts

    def _meetings(
        self,
        call: Call,
        a: Value,
        b: Value,
        out: Value,
        k: int,
        counts: dict[str, Any],
        kept: Mapping[str, Any],
    ) -> Any:
        """Fill in what meets, and return the counted products (accumulator words)."""
        if a.type.discrete and b.type.discrete and kept:
            counts |= {event: kept[event] for event in ("coincidence", "coincidence_unit")}
            return counts["coincidence"]
        if a.type.discrete and b.type.discrete:
            every = tuple(range(len(out.type.shape)))
            added, both = _adds_up(call, out), a.type.kind is b.type.kind is Kind.SPIKE
            units = out.active_sum(every, True) if added else _coincidence(a, b, not both)
            counts["coincidence"] = units if both else _coincidence(a, b, False)
            counts["coincidence_unit"] = units
            return counts["coincidence"]
        if a.type.discrete:
            return counts["fanout_left"]
        if b.type.discrete:
            return counts["fanout_right"]
        counts["mac"] = kept["mac"] if kept else out.type.size * k
        return counts["mac"]

    def arrive(self, call: Call) -> Mask:
        """Where at least one pair met; a REAL side arrives always."""
        a, b = call.inputs
        if not (a.type.discrete or b.type.discrete):
            return True
        if call.out is not None and min(a.type.lo, b.type.lo) >= 0 and call.out.type.discrete:
            return call.out.data > 0  # no pair cancels another
        left = a.active() if a.type.discrete else torch.ones_like(a.data, dtype=torch.bool)
        right = b.active() if b.type.discrete else torch.ones_like(b.data, dtype=torch.bool)
        return (left.float() @ right.float()) > 0


def _exact(call: Call) -> bool:
    """Whether both sides hold no negative integers, times powers of two, and sums below 2^24."""
    discrete = all(v.type.discrete and v.type.uniform and v.type.lo >= 0 for v in call.inputs)
    if not discrete or not call.node.value.discrete or call.node.value.hi >= 2**24:
        return False
    return call.kept("exact", lambda: all(power_of_two(v.type) for v in call.inputs))


def _met(call: Call, out: Value) -> dict[str, Any]:
    """What ``count`` says, of a kernel that saw both sides."""
    (a, b), met = call.inputs, call.found
    spikes, out.spikes = a.type.kind is b.type.kind is Kind.SPIKE, met.active
    return {
        "activation_write": out.type.size,
        "fanout_left": met.left * b.type.shape[-1],
        "fanout_right": met.right * a.type.shape[-2],
        "activation_read": met.left + met.right,
        "coincidence": met.pairs,
        "coincidence_unit": met.pairs if spikes else met.sums,
        "state_read": met.pairs,
        "state_write": met.pairs,
    }


def masked(call: Call, a: Value, b: Value, out: Value) -> dict[str, np.ndarray]:
    """Every event of the product over the pairs that exist; float64 holds them exactly."""
    keep = next(iter(call.params.values())).double()
    shape = (out.steps, out.samples, *out.type.shape)
    left, right = (_numbers(v, False) for v in (a, b))
    ones_left, ones_right = torch.ones_like(left), torch.ones_like(right)
    pairs = {
        "fanout_left": (left, ones_right),
        "fanout_right": (ones_left, right),
        "mac": (ones_left, ones_right),
        "coincidence": (left, right),
        "coincidence_unit": (_numbers(a, True), _numbers(b, True)),
    }
    found = {}
    for event, (x, y) in pairs.items():
        met = keep * (x @ y) if "keep_out" in call.params else (keep * x) @ y
        found[event] = total(met.expand(shape).flatten(2).sum(2).numpy(force=True))
    return found


def _numbers(value: Value, units: bool) -> Tensor:
    return (value.units() if units and value.type.discrete else value.active()).double()


def _adds_up(call: Call, out: Value) -> bool:
    """Whether Σ|a||b| is the sum of a product that was run: no pair cancels another, and no integer
    is rounded."""
    positive = min(v.type.lo for v in call.inputs) >= 0
    return call.kernels is not None and out.type.discrete and positive and out.type.hi < 2**22


def _steps(counts: np.ndarray, out: Value) -> np.ndarray:
    """A clip operand is read again at every step."""
    slices = (out.steps, out.samples)
    return counts if counts.shape == slices else np.broadcast_to(counts, slices)


def _by_meeting(a: Value, b: Value, units: bool) -> tuple[np.ndarray, np.ndarray]:
    """Active rows of a and columns of b at each k: int64 (steps, samples, …, K)."""
    axes = (len(a.type.shape) - 2,), (len(b.type.shape) - 1,)
    return a.active_sum(axes[0], units), b.active_sum(axes[1], units)


def _coincidence(a: Value, b: Value, units: bool) -> np.ndarray:
    """Σ_k (active rows of a at k) × (active columns of b at k): int64 (steps, samples)."""
    left, right = _by_meeting(a, b, units)
    if left.shape == right.shape and left.dtype == right.dtype == np.int64:
        return products(left, right)
    lead = np.broadcast_shapes(left.shape, right.shape)
    axes = tuple(range(2, len(lead)))
    return total((left.astype(np.float64) * right).sum(axis=axes))


OP = Matmul()
