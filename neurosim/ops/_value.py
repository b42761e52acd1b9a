"""Run-time values: a tensor with its type and the integer facts that counting needs, each computed
once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Node
from neurosim.ir.types import Kind, ValueType
from neurosim.ops._bits import Bits

Mask = Tensor | bool  # (steps, samples, *shape) broadcastable booleans; True: always, False: never


@dataclass
class Value:
    """``held``: (steps, samples, *shape) float32, or spikes as bits; a clip value has one step.
    ``arrived``: which elements an event reached in this step (True for every element that has a
    REAL input path)."""

    held: Tensor | Bits
    type: ValueType
    arrived: Mask = True
    spikes: np.ndarray | None = (
        None  # int64 (steps, samples): active elements, where the kernel counted them
    )
    bits: Bits | None = None  # the same spikes, where they lie beside the numbers
    steps: int = field(init=False)  # held here
    samples: int = field(init=False)  # held here
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        shape = self.held.shape
        self.steps, self.samples = shape[0], shape[1]

    @property
    def data(self) -> Tensor:
        """float32 (steps, samples, *shape); bits are unpacked once."""
        if isinstance(self.held, Tensor):
            return self.held
        if ("data",) not in self._cache:
            self._cache["data",] = self.held.dense()
        return self._cache["data",]

    @property
    def device(self) -> torch.device:
        """Where it lies; bits lie on the CPU."""
        return self.held.device if isinstance(self.held, Tensor) else torch.device("cpu")

    @property
    def elements(self) -> int:
        """Elements of all steps and samples."""
        return math.prod(self.held.shape)

    def active(self) -> Tensor:
        """bool, same shape: n ≠ 0 (differences of integers × a scale may miss 0 by a rounding)."""
        if ("active",) not in self._cache:
            self._cache["active",] = (self.units() if self.cancels else self.data) != 0
        return self._cache["active",]

    @property
    def cancels(self) -> bool:
        """Whether n = 0 may be held as a rounding beside 0."""
        t = self.type
        return t.kind is Kind.GRADED and t.lo < 0 and not power_of_two(t)

    def units(self) -> Tensor:
        """|n| as float32 integers, same shape."""
        if ("units",) not in self._cache:
            scale = scale_tensor(self.type, self.data)
            self._cache["units",] = (self.data / scale).round_().abs_()
        return self._cache["units",]

    def active_sum(self, axes: tuple[int, ...], units: bool = False) -> np.ndarray:
        """Number of active elements (or Σ|n|) over ``axes`` of the shape: int64 (steps, samples,
        *rest)."""
        key = ("sum", axes, units)
        if key not in self._cache:
            part = self._partial(axes, units)
            bits = self.held if isinstance(self.held, Bits) else self.bits
            if part is None and bits is not None and axes == bits.inner[-1:]:
                part = bits.sum_innermost()
            self._cache[key] = _sum(self, axes, units) if part is None else part
        return self._cache[key]

    def any_active(self, axis: int) -> np.ndarray:
        """Whether an element along ``axis`` of the shape is active: bool (steps, samples,
        *rest)."""
        bits = self.held if isinstance(self.held, Bits) else self.bits
        summed = ("sum", (axis,), False) in self._cache
        if not summed and bits is not None and bits.inner[-1:] == (axis,):
            return bits.any_innermost()
        return self.active_sum((axis,)) > 0

    def keep_sum(self, axes: tuple[int, ...], units: bool, found: np.ndarray) -> None:
        """What ``active_sum`` gives from now on."""
        self._cache["sum", axes, units] = found

    def _partial(self, axes: tuple[int, ...], units: bool) -> np.ndarray | None:
        """The same from a sum over fewer axes that is already known."""
        for kind, done, of_units in [k for k in self._cache if k[0] == "sum"]:
            if of_units == units and done and set(done) < set(axes):
                left = [a for a in range(len(self.type.shape)) if a not in done]
                where = tuple(left.index(a) + 2 for a in axes if a not in done)
                return self._cache[kind, done, of_units].sum(axis=where)
        return None

    def active_total(self) -> np.ndarray:
        """Active elements: int64 (steps, samples)."""
        if self.spikes is not None:
            return self.spikes
        return self.active_sum(tuple(range(len(self.type.shape))))


def power_of_two(t: ValueType) -> bool:
    """Whether scale × n is exact, and so is every sum of such numbers."""
    return bool(np.all(np.abs(np.frexp(np.asarray(t.scale))[0]) == 0.5))


def _sum(value: Value, axes: tuple[int, ...], units: bool) -> np.ndarray:
    dims = [a + 2 for a in axes]
    t = value.type
    if axes and value.device.type == "cpu" and t.uniform:
        whole = len(axes) == len(t.shape) > 1
        found = _along(value, None, units) if whole else None
        if found is not None:
            return found
        found = _along(value, dims[-1], units)
        if found is not None:
            value.keep_sum(axes[-1:], units, found)
            return found.sum(axis=tuple(dims[:-1])) if axes[:-1] else found
    if units:
        source = value.units()
    elif t.kind is Kind.SPIKE and t.uniform and t.scale == 1.0:
        source = value.data  # already 0/1: the sum is the count, exact below 2^24
    else:
        source = value.active()
    if not dims:
        return source.to(torch.int64).numpy(force=True)
    if source.dtype is torch.bool:
        summed = source.sum(dims, dtype=torch.int64)
    else:
        summed = _exact_sum(source, dims)
    return summed.to(torch.int64).numpy(force=True)


def _along(value: Value, axis: int | None, units: bool) -> np.ndarray | None:
    """One axis, or all but step and sample (None), in one pass over memory; None where the data
    have gaps."""
    from neurosim.ops._sums import sum_axis, sum_slices

    t, size = value.type, value.type.size if axis is None else value.held.shape[axis]
    payloads = not (t.kind is Kind.SPIKE or not (units or value.cancels))
    if size * (max(abs(t.lo), abs(t.hi)) if payloads else 1) >= 2**31:
        return None
    how = (float(t.scale), not units) if payloads else (None, True)
    return sum_slices(value.data, *how) if axis is None else sum_axis(value.data, axis, *how)


def _exact_sum(source: Tensor, dims: list[int]) -> Tensor:
    """Sum of non-negative integers stored as float32, exact: float32 below 2^24, float64 beyond (at
    once on a device, where looking costs more)."""
    if source.numel() and source.device.type == "cpu" and _length(source, dims) < 2**24:
        summed = source.sum(dims)
        if float(summed.max()) < 2**24:
            return summed
    return source.sum(dims, dtype=torch.float64)


def _length(source: Tensor, dims: list[int]) -> int:
    return math.prod(source.shape[d] for d in dims)


def scale_tensor(t: ValueType, like: Tensor) -> Tensor | float:
    """The scale, shaped to divide (steps, samples, *shape)."""
    if t.uniform:
        return float(t.scale)
    scale = torch.as_tensor(np.asarray(t.scale), dtype=like.dtype, device=like.device)
    return (
        scale
        if scale.ndim == like.ndim
        else scale.reshape((1,) * (like.ndim - scale.ndim) + scale.shape)
    )


@dataclass
class Call:
    """One execution of a node over some steps. ``params``: torch tensors by role; ``first_step``:
    the step of
    ``inputs[…].data[0]``; ``state`` is kept by stateful ops between chunks."""

    node: Node
    inputs: tuple[Value, ...]
    params: dict[str, Tensor]
    state: dict[str, Any]
    first_step: int = 0
    engine: str = "dense"
    kernels: Any = None  # the event engine's kernels
    bits_order: tuple[int, ...] | None = None  # spikes are wanted as bits, if memory has this order
    overwrites: int | None = None  # the operand whose memory the result may take
    out: Value | None = None  # what came of it, while its arrival is asked for
    found: Any = None  # what a kernel counted on its way

    @property
    def attrs(self) -> Mapping[str, Any]:
        """The node's attributes."""
        return self.node.attrs

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """What depends on the node and its parameters alone: made at the first call, kept between
        chunks, and from run to run where there are kernels."""
        held = self.state if self.kernels is None else self.kernels.plans(self.node.name)
        if name not in held:
            held[name] = make()
        return held[name]

    def step_param(self, role: str, steps: int) -> Tensor:
        """A parameter whose first axis is the step (or 1), cut to the steps of this call."""
        value = self.params[role]
        if value.shape[0] == 1:
            return value
        return value[self.first_step : self.first_step + steps]


class Expectation(np.ndarray):
    """Counts that are expected values: kept as fractions until the whole clip is summed."""


def total(counts: Any) -> np.ndarray:
    """int64 (steps, samples) from a float64 or int array that holds exact integers; an
    ``Expectation`` stays as it is."""
    if isinstance(counts, Expectation):
        return counts
    return np.rint(np.asarray(counts)).astype(np.int64)


def per_slice(call: Call, out: Value, number: int) -> np.ndarray:
    """The same ``number`` for each step and sample of the output."""
    return np.full((out.steps, out.samples), number, np.int64)
