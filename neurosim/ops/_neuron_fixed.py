"""The neuron in whole numbers (``neurosim.ir.fixed_point``): step by step in torch, or compiled.

Both engines compute in 64-bit integers, so that their spikes are equal by construction of the
arithmetic and not by luck of its order; each is tested against Lava's own bit-accurate model.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import SimulationError
from neurosim.ir.fixed_point import BIAS, FixedPoint
from neurosim.ir.neuron import Neuron
from neurosim.ops._neuron_scan import trim
from neurosim.ops._value import Call

WHOLE = 2.0**24  # beyond, float32 no longer holds every whole number
State = dict[str, Tensor]  # u and v: int64 (B, *shape)


def run(call: Call, neuron: Neuron, fixed: FixedPoint) -> Tensor:
    """Spikes, or the membrane where the equation emits it; float32 (T, B, *shape).

    Raises SimulationError: currents that are no whole numbers, or too large to be exact.
    """
    x = call.inputs[0].data
    check_whole(call.node.name, x)
    bias = _bias(call.params.get(BIAS), x)
    state: State = call.state.get("fixed") or _fresh(x)
    compiled = call.engine == "event" and x.device.type == "cpu"
    scan = _scan_compiled if compiled else scan_steps
    out, call.state["fixed"] = scan(fixed, x, bias, state, neuron.output == "v")
    return out


def check_whole(name: str, x: Tensor) -> None:
    """Raise SimulationError unless float32 holds these numbers as whole numbers, exactly."""
    if bool((x != x.round()).any()) or bool((x.abs() >= WHOLE).any()):
        raise SimulationError(
            f"at {name!r}: a neuron in fixed point got a current that is no whole number below "
            "2^24; quantize the graph as a whole"
        )


def _bias(given: Tensor | None, x: Tensor) -> Tensor:
    if given is None:
        return torch.zeros((), dtype=torch.int64, device=x.device)
    return given.reshape(trim(given.shape, x.dim() - 2)).to(torch.int64)


def _fresh(x: Tensor) -> State:
    zero = torch.zeros(x.shape[1:], dtype=torch.int64, device=x.device)
    return {"u": zero, "v": zero}


def scan_steps(
    p: FixedPoint, x: Tensor, bias: Tensor, state: State, membrane: bool = False
) -> tuple[Tensor, State]:
    """The equations in torch: (outputs, the state after the last step)."""
    u, v, out = state["u"], state["v"], torch.empty_like(x)
    for t, slice_ in enumerate(x):
        u = _decayed(u, p.unity - p.u_decay, p.decay_bits) + (
            slice_.to(torch.int64) << p.input_shift
        )
        u = torch.where(
            u > p.limit, u - 2 * p.limit, torch.where(u <= -p.limit, u + 2 * p.limit, u)
        )
        v = _decayed(v, p.unity - p.v_decay, p.decay_bits) + u + bias
        v = v.clamp(1 - p.limit, p.limit - 1)
        z = v > p.threshold
        v = torch.where(z, 0, v)
        out[t] = v if membrane else z
    return out, {"u": u, "v": v}


def _decayed(state: Tensor, kept: int, bits: int) -> Tensor:
    """kept/2^bits of it, rounded toward zero."""
    return state.sign() * ((state.abs() * kept) >> bits)


def _scan_compiled(
    p: FixedPoint, x: Tensor, bias: Tensor, state: State, membrane: bool = False
) -> tuple[Tensor, State]:
    from neurosim.ops._neuron_fixed_kernel import scan_fixed

    steps, shape = x.shape[0], x.shape[1:]
    u, v = (state[k].reshape(-1).numpy().copy() for k in ("u", "v"))
    out = np.empty((steps, u.size), np.float32)
    rows = np.ascontiguousarray(bias.expand(shape).reshape(-1).numpy())
    numbers = (p.unity - p.u_decay, p.unity - p.v_decay, p.decay_bits, p.input_shift)
    scan_fixed(
        x.reshape(steps, -1).numpy(), out, rows, u, v, numbers, p.limit, p.threshold, membrane
    )
    final = {"u": torch.from_numpy(u).reshape(shape), "v": torch.from_numpy(v).reshape(shape)}
    return torch.from_numpy(out).reshape(x.shape), final
