"""The neuron equation step by step in torch: the reference for every other implementation.

The order of operations is the one written in ``neurosim.ir.neuron``; every line is one float32
rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from neurosim.errors import SimulationError
from neurosim.ir.neuron import AFFINE, PARAMETERS, Neuron

Arrays = Mapping[str, Any]  # role → array or tensor
State = dict[str, Tensor]


def scan(neuron: Neuron, arrays: Arrays, x: Tensor, state: Mapping[str, Tensor] | None = None, *,
         first_step: int = 0) -> tuple[Tensor, State]:  # fmt: skip
    """Outputs (T, B, *shape) and the state after the last step.

    ``x``: float32 (T, B, *shape). ``state``: variable → (B, *shape), or None for fresh neurons.
    ``arrays``: see ``Neuron``. ``first_step``: the step of x[0], for per-step affines. Raises
    SimulationError: arrays that do not fit.
    """
    out, _, state = trace(neuron, arrays, x, state, first_step=first_step)
    return out, state


def trace(neuron: Neuron, arrays: Arrays, x: Tensor, state: Mapping[str, Tensor] | None = None, *,
          first_step: int = 0) -> tuple[Tensor, Tensor, State]:  # fmt: skip
    """``scan`` that also returns the membrane after each step: (outputs, v, state), v like x."""
    check_arrays(neuron, arrays, tuple(x.shape[2:]), first_step + x.shape[0])
    p = parameters(neuron, arrays, x)
    now = fresh_state(neuron, p, x) if state is None else dict(state)
    out, v = torch.empty_like(x), torch.empty_like(x)
    for t in range(x.shape[0]):
        out[t], now = step(neuron, p, _affine(arrays, x[t], first_step + t), now)
        v[t] = now["v"]
    return out, v, now


def check_arrays(neuron: Neuron, arrays: Arrays, shape: tuple[int, ...], steps: int) -> None:
    """Raise SimulationError unless every array is a known parameter and broadcasts to ``shape``."""
    for role, array in arrays.items():
        if role not in PARAMETERS and role not in AFFINE:
            raise SimulationError(
                f"neuron: unknown parameter {role!r}; known: {', '.join((*PARAMETERS, *AFFINE))}"
            )
        sizes = trim(array.shape[1:] if role in AFFINE else array.shape, len(shape))
        if role in AFFINE and array.shape[0] not in (1, *range(steps, array.shape[0] + 1)):
            raise SimulationError(
                f"neuron: {role} holds {array.shape[0]} steps, the run needs {steps}; set window="
            )
        if len(sizes) > len(shape) or any(
            a not in (1, b) for a, b in zip(sizes[::-1], shape[::-1], strict=False)
        ):
            raise SimulationError(
                f"neuron: {role} of shape {sizes} does not broadcast to neurons of shape {shape}"
            )


def trim(sizes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Shape without the leading ones that exceed ``rank`` (a parameter stored with a sample
    axis)."""
    kept = tuple(sizes)
    while len(kept) > rank and kept[0] == 1:
        kept = kept[1:]
    return kept


def parameters(neuron: Neuron, arrays: Arrays, x: Tensor) -> dict[str, Tensor]:
    """Each parameter as a float32 tensor that broadcasts against one step of x."""
    found: dict[str, Tensor] = {}
    for name in PARAMETERS:
        value = arrays.get(name, getattr(neuron, name))
        if value is not None:
            tensor = torch.as_tensor(value, dtype=torch.float32, device=x.device)
            found[name] = tensor.reshape(trim(tensor.shape, x.dim() - 2))
    found.setdefault("v_subtract", found["v_threshold"])
    return found


def fresh_state(neuron: Neuron, p: Mapping[str, Tensor], x: Tensor) -> State:
    """State variables of neurons that have seen nothing yet, each (B, *shape)."""
    zero = torch.zeros_like(x[0])
    return {
        name: zero + p[f"{name}_init"] if name != "rest" else zero.clone() for name in neuron.state
    }


def _affine(arrays: Arrays, x: Tensor, t: int) -> Tensor:
    for role, apply in (("affine_scale", torch.mul), ("affine_bias", torch.add)):
        if role in arrays:
            rows = arrays[role]
            row = torch.as_tensor(
                rows[t if rows.shape[0] > 1 else 0], dtype=torch.float32, device=x.device
            )
            x = apply(x, row.reshape(trim(row.shape, x.dim() - 1)))
    return x


def step(
    n: Neuron, p: Mapping[str, Tensor], x: Tensor, state: Mapping[str, Tensor]
) -> tuple[Tensor, State]:
    """One step: (output, new state), in the order of the module ``neurosim.ir.neuron``."""
    new: State = {}
    v = state["v"]
    pending = _fires(n, v, p["v_threshold"])
    if n.reset_at == "before":
        v = _reset_pending(n, p, v, pending)
    drive = _current(n, p, x, state, new)
    v = _integrate(n, p, v, p["gain"] * drive)
    if n.reset_at in ("after", "carried"):
        v = _reset_pending(n, p, v, pending)
    theta = p["v_threshold"]
    if n.adaptation:
        theta = state["b"] + p["b_k"] * (p["v_threshold"] - state["b"])
    z = _spikes(n, v, theta)
    if n.refractory:
        v, theta, z = _rest(n, v, theta, z, state, new)
    v = _reset(n, p, v, z, pending)
    if n.adaptation:
        new["b"] = torch.where(z > 0, theta + p["b_jump"], theta)
    if n.v_min is not None:
        v = torch.relu(v - p["v_min"]) + p["v_min"]
    new["v"] = v
    return (v if n.output == "v" else z), new


def _current(
    n: Neuron, p: Mapping[str, Tensor], x: Tensor, state: Mapping[str, Tensor], new: State
) -> Tensor:
    if n.current == "none":
        return x
    i = state["i"]
    if n.current == "jump_first":
        drive = i + x
        new["i"] = drive - p["i_k"] * drive
        return drive
    if n.current == "delayed":
        new["i"] = (i - p["i_k"] * i) + x
        return i
    new["i"] = p["i_decay"] * i + x if n.current == "decay_first" else p["i_decay"] * (i + x)
    return new["i"]


_DRIVES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "add_leak": lambda v, g, leak: (g + leak) - v,
    "leak_add": lambda v, g, leak: (leak - v) + g,
    "difference": lambda v, g, leak: g - (v - leak),
}


def _integrate(n: Neuron, p: Mapping[str, Tensor], v: Tensor, g: Tensor) -> Tensor:
    if n.integrate == "decay":
        return p["v_decay"] * v + g
    if n.integrate == "leak_only":
        return (v - _leak(n, p, v - p["v_leak"])) + g
    return v + _leak(n, p, _DRIVES[n.integrate](v, g, p["v_leak"]))


def _leak(n: Neuron, p: Mapping[str, Tensor], y: Tensor) -> Tensor:
    return y / p["tau"] if n.leak == "divide" else p["k"] * y


def _fires(n: Neuron, v: Tensor, theta: Tensor) -> Tensor:
    if n.fires == "never":
        return torch.zeros_like(v, dtype=torch.bool)
    return v > theta if n.fires == ">" else v >= theta


def _spikes(n: Neuron, v: Tensor, theta: Tensor) -> Tensor:
    if n.max_spikes == 1:
        return _fires(n, v, theta).to(v.dtype)
    z = torch.where(v > 0, torch.trunc(v / theta), torch.zeros_like(v))
    return z if n.max_spikes is None else z.clamp(max=n.max_spikes)


def _rest(n: Neuron, v: Tensor, theta: Tensor, z: Tensor, state: Mapping[str, Tensor],
          new: State) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    resting = state["rest"] > 0
    z = torch.where(resting, torch.zeros_like(z), z)
    new["rest"] = torch.where(
        z > 0, torch.full_like(z, n.refractory), torch.relu(state["rest"] - 1)
    )
    if n.adaptation:
        theta = torch.where(resting, state["b"], theta)
    return torch.where(resting, state["v"], v), theta, z


def _reset_pending(n: Neuron, p: Mapping[str, Tensor], v: Tensor, pending: Tensor) -> Tensor:
    if n.reset == "none":
        return v
    return torch.where(pending, p["v_reset"] if n.reset == "to_value" else v - p["v_subtract"], v)


def _reset(n: Neuron, p: Mapping[str, Tensor], v: Tensor, z: Tensor, pending: Tensor) -> Tensor:
    if n.reset == "none" or n.reset_at in ("before", "after"):
        return v
    if n.reset == "to_value":
        return torch.where(z > 0, p["v_reset"], v)
    due = z - pending.to(z.dtype) if n.reset_at == "carried" else z
    return v - due * p["v_subtract"]
