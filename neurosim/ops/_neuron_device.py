"""Neurons on a CUDA device in one launch, where Triton is there: ``_neuron_scan``, bit for bit.

Launching every operation of every step costs ten times what the device computes. Equations with a
parameter that differs between neurons, several spikes a step, adaptation, a rest, a floor or a late
reset are walked step by step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import torch
from torch import Tensor

from neurosim.ir.neuron import Neuron
from neurosim.ops._layout import by_stride
from neurosim.ops._neuron_scan import Arrays, State, check_arrays, trim

BLOCK = 256  # neurons of a program
NUMBERS = (
    "v_decay", "gain", "k", "v_leak", "v_threshold", "v_reset", "v_subtract", "i_decay", "i_k",
)  # fmt: skip


@cache
def has_triton() -> bool:
    """Whether kernels can be made here."""
    return find_spec("triton") is not None


def launches(neuron: Neuron, arrays: Arrays) -> bool:
    """Whether the kernel knows such an equation."""
    n = neuron
    plain = n.leak == "multiply" and n.reset_at == "now"
    single = n.max_spikes == 1 and not n.adaptation and not n.refractory and n.v_min is None
    alike = all(a.numel() == 1 for name, a in arrays.items() if name in NUMBERS)
    return plain and single and alike and has_triton()


class _Rows(NamedTuple):
    """Entry (t, m // ``repeat`` mod ``period``) of ``values`` is neuron m's; of one row, all
    steps'."""

    values: Tensor
    rows: int
    period: int
    repeat: int


def scan_device(
    neuron: Neuron,
    arrays: Arrays,
    x: Tensor,
    state: Mapping[str, Tensor] | None,
    first_step: int,
) -> tuple[Tensor, State]:
    """Outputs (T, B, *shape) and the state after the last step, as ``scan``. Raises
    SimulationError: arrays that do not fit."""
    from neurosim.ops._neuron_device_kernel import scan_block

    steps, shape = x.shape[0], x.shape[2:]
    check_arrays(neuron, arrays, tuple(shape), first_step + steps)
    laid, order = _laid(x)
    inner = [a - 2 for a in order[2:]]
    places = (0, *(a + 1 for a in inner))  # of the state's axes in memory
    held = {name: _state(neuron, arrays, name, laid, places, state) for name in neuron.state}
    numbers = _numbers(neuron, arrays, x.device)
    scale, bias = (
        _rows(arrays.get(f"affine_{role}"), tuple(shape), inner, first_step, steps, numbers)
        for role in ("scale", "bias")
    )
    out = torch.empty_like(laid)
    neurons, size = math.prod(laid.shape[1:]), math.prod(shape)
    choices = (neuron.integrate, neuron.current, neuron.fires, neuron.reset, neuron.output)
    tables = (*scale[1:], *bias[1:])
    launch = scan_block[-(-max(1, neurons) // BLOCK),]
    launch(laid, out, held["v"], held.get("i", held["v"]), numbers, scale.values, bias.values,
           neurons, max(1, size), steps, *tables, *choices, "affine_scale" in arrays,
           "affine_bias" in arrays, BLOCK, enable_fp_fusion=False)  # fmt: skip
    back = [order.index(a) for a in range(x.ndim)]
    again = [places.index(a) for a in range(x.ndim - 1)]
    return out.permute(back), {k: s.permute(again) for k, s in held.items()}


def _numbers(neuron: Neuron, arrays: Arrays, device: torch.device) -> Tensor:
    """``NUMBERS`` on the device, in one copy beside those that lie there."""
    threshold = arrays.get("v_threshold", neuron.v_threshold)
    given = [arrays.get(name, getattr(neuron, name)) for name in NUMBERS]
    given = [threshold if value is None else value for value in given]  # v_subtract
    plain = [0.0 if isinstance(value, Tensor) else value for value in given]
    numbers = torch.tensor(plain, dtype=torch.float32, device=device)
    for k, value in enumerate(given):
        if isinstance(value, Tensor):
            numbers[k] = value.reshape(())
    return numbers


def _state(
    neuron: Neuron, arrays: Arrays, name: str, laid: Tensor, places: tuple[int, ...],
    state: Mapping[str, Tensor] | None,
) -> Tensor:  # fmt: skip
    """A variable in memory order, (B, …) of our own."""
    if state is not None:
        return state[name].permute(places).clone(memory_format=torch.contiguous_format)
    value = arrays.get(f"{name}_init", getattr(neuron, f"{name}_init"))
    if not isinstance(value, Tensor):
        return torch.full(laid.shape[1:], value, dtype=torch.float32, device=laid.device)
    sizes = trim(value.shape, len(places))
    whole = value.reshape((1,) * (len(places) - len(sizes)) + sizes).permute(places)
    return whole.expand(laid.shape[1:]).clone(memory_format=torch.contiguous_format)


def _laid(x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """x in its own memory order with the steps outermost, copied where it has gaps or another."""
    order = by_stride(x)
    laid = x.permute(order)
    if order[:2] == (0, 1) and laid.is_contiguous():
        return laid, order
    return x.contiguous(), tuple(range(x.ndim))


def _rows(
    rows: Tensor | None, shape: tuple[int, ...], inner: list[int], first: int, steps: int,
    none: Tensor,
) -> _Rows:  # fmt: skip
    if rows is None:
        return _Rows(none, 1, 1, 1)
    sizes = trim(rows.shape[1:], len(shape))
    whole = rows.reshape(len(rows), *(1,) * (len(shape) - len(sizes)), *sizes)
    whole = whole if len(whole) == 1 else whole[first : first + steps]
    varying = [a for a in range(len(shape)) if whole.shape[1 + a] > 1]
    if len(varying) > 1:
        whole = whole.expand(len(whole), *shape).permute(0, *(a + 1 for a in inner))
        return _Rows(whole.contiguous(), len(whole), max(1, math.prod(shape)), 1)
    repeat = math.prod(shape[a] for a in inner[inner.index(varying[0]) + 1 :]) if varying else 1
    return _Rows(whole.contiguous(), len(whole), whole[0].numel(), repeat)
