"""What a traced forward leaves behind: records (operators applied) and, for every live tensor, the
value it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.weak import WeakIdKeyDictionary

from neurosim.capture import axes
from neurosim.capture.axes import Dims
from neurosim.errors import CaptureError


@dataclass(frozen=True)
class Val:
    """The output of a record as one tensor shows it. ``step``: which step of it, when the tensor
    holds one step."""

    record: int
    dims: Dims
    step: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one slice."""
        return axes.slice_shape(self.dims)

    @property
    def sequence(self) -> bool:
        """Whether it still has its time axis."""
        return axes.has(self.dims, "T")


@dataclass
class Record:
    """One operator applied. ``step`` is set when it ran on single steps (a loop over time)."""

    id: int
    op: str
    operands: tuple[Val, ...]
    attrs: dict[str, Any]
    params: dict[str, Tensor]
    dims: Dims
    step: int | None
    path: str
    site: tuple[Any, ...]
    source: str
    # a binary operator whose other operand was a constant here: (operator, its attributes, constant
    # per slice)
    binary: tuple[str, dict[str, Any], Tensor] | None = None
    observed: Tensor | None = (
        None  # what a neuron really emitted, packed, for the proof of the folding
    )


@dataclass
class Place:
    """Where in the user's model the trace is."""

    path: str = ""
    calls: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The innermost module whose call raised."""

    path: str
    module: Any
    args: tuple[Any, ...]


class Poison:
    """A tensor computed by something without a rule: what follows from it is not traced."""


@dataclass
class Buffer:
    """A constant tensor that a loop fills step by step along one axis."""

    dim: int
    filled: dict[int, Val] = field(default_factory=dict)
    steps: int = 0


@dataclass
class Membrane:
    """A state tensor that a recognised neuron returned: a value only if the model reads it."""

    neuron: int
    meaning: str
    step: int | None
    dims: Dims


@dataclass(frozen=True)
class Unknown:
    """Something that has no rule, and where."""

    what: str
    path: str
    source: str

    def __str__(self) -> str:
        at = f" in {self.path!r}" if self.path else ""
        return f"{self.what}{at}" + (f" at {self.source}" if self.source else "")


class Trace:
    """Records in the order they ran, and the value behind every live tensor."""

    def __init__(self, steps: int, samples: int, strict: bool) -> None:
        self.steps, self.samples, self.strict = steps, samples, strict
        self.records: list[Record] = []
        self.values: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self.views: WeakIdKeyDictionary = WeakIdKeyDictionary()
        self.unknown: dict[tuple[str, str, str], Unknown] = {}
        self.place = Place()
        self.frames: Callable[[], tuple[tuple[Any, ...], str]] = lambda: ((), "")
        self.paused = 0
        self.packet = ""
        self.failed: Failed | None = None
        self.forced_place: tuple[tuple[Any, ...], str] | None = None

    def here(self) -> str:
        """The place for an error: module path and the user's line."""
        source = self.frames()[1]
        return (f"at {self.place.path!r}" if self.place.path else "in the model") + (
            f" ({source})" if source else ""
        )

    # -- values ------------------------------------------------------------------------------------
    # ------------
    def val(self, tensor: Any) -> Val | None:
        """The value a tensor holds; None for a constant. Raises CaptureError for one that cannot be
        used."""
        found = self.values.get(tensor) if isinstance(tensor, Tensor) else None
        if isinstance(found, Buffer):
            found = self._collected(tensor, found)
        if isinstance(found, Membrane):
            found = self._membrane(tensor, found)
        return found if isinstance(found, Val) else None

    def output(self, tensor: Tensor) -> Val | None:
        """The value of a tensor that the model returns; None for constants and for states nobody
        computes with."""
        return None if isinstance(self.values.get(tensor), (Membrane, Poison)) else self.val(tensor)

    def poisoned(self, tensor: Any) -> bool:
        """Whether a tensor came out of something unknown."""
        return isinstance(tensor, Tensor) and isinstance(self.values.get(tensor), Poison)

    def traced(self, tensor: Any) -> bool:
        """Whether a tensor depends on the clip."""
        return isinstance(tensor, Tensor) and tensor in self.values

    def set(self, tensor: Tensor, value: Val | Poison | Buffer | Membrane) -> None:
        """Say what a tensor holds."""
        self.values[tensor] = value

    def _collected(self, tensor: Tensor, buffer: Buffer) -> Val:
        if sorted(buffer.filled) != list(range(tensor.shape[buffer.dim])):
            raise CaptureError(
                f"{self.here()}: a buffer of {tensor.shape[buffer.dim]} steps is read when only "
                f"{len(buffer.filled)} were written; write every step before reading it"
            )
        found = self.stack([buffer.filled[i] for i in sorted(buffer.filled)], buffer.dim)
        self.set(tensor, found)
        return found

    def _membrane(self, tensor: Tensor, state: Membrane) -> Val:
        neuron = self.records[state.neuron]
        if state.meaning not in ("v", "v_last"):
            raise CaptureError(
                f"{self.here()}: reads the state {state.meaning!r} of {neuron.path!r}; only "
                f"spikes and "
                "membranes can be read"
            )
        attrs = neuron.attrs | {"emit": "v", "observes": neuron.path}
        record = Record(
            len(self.records),
            "neuron",
            neuron.operands,
            attrs,
            neuron.params,
            neuron.dims,
            neuron.step,
            f"{neuron.path}.v" if neuron.path else "v",
            (*neuron.site, "v"),
            neuron.source,
        )
        self.records.append(record)
        found = Val(record.id, neuron.dims, neuron.step)
        if state.meaning == "v_last":
            found = self.at(Val(record.id, neuron.dims), self.steps - 1)
            found = Val(found.record, state.dims, None)
        self.set(tensor, found)
        return found

    # -- records -----------------------------------------------------------------------------------
    # ------------
    def emit(
        self,
        op: str,
        operands: Sequence[Val],
        dims: Dims,
        attrs: dict[str, Any] | None = None,
        params: dict[str, Tensor] | None = None,
        binary: Any = None,
    ) -> Val:
        """Append a record. Operands that hold single steps beside a whole sequence become clip
        values."""
        operands = self.same_pace(list(operands))
        steps = [v.step for v in operands if v.step is not None]
        step = max(steps) if steps else None
        site, source = self.forced_place or self.frames()
        site = (_wild(self.place.path), self.packet, *site)
        record = Record(
            len(self.records),
            op,
            tuple(operands),
            attrs or {},
            params or {},
            dims,
            step,
            self.place.path,
            site,
            source,
            binary,
        )
        self.records.append(record)
        return Val(record.id, dims, step)

    def same_pace(self, operands: list[Val]) -> list[Val]:
        """Beside a sequence, one step of another value is that step, the same for all."""
        if any(v.sequence for v in operands):
            return [self.at(v, v.step) if v.step is not None else v for v in operands]
        return operands

    def at(self, value: Val, step: int) -> Val:
        """One step of a sequence as a clip value."""
        whole = Val(value.record, value.dims)
        attrs = {"mode": "at", "step": step}
        site, source = self.frames()
        dims = axes.without(value.dims, "T")
        record = Record(
            len(self.records),
            "time_reduce",
            (whole,),
            attrs,
            {},
            dims,
            None,
            self.place.path,
            ("at", step, *site),
            source,
        )
        self.records.append(record)
        return Val(record.id, dims, None)

    def stack(self, parts: list[Val], dim: int) -> Val:
        """Single steps put together along a new axis: the whole sequence when they are all steps in
        order."""
        first = parts[0]
        dims = (*first.dims[:dim], (("T", len(parts)),), *first.dims[dim:])
        if [p.step for p in parts] != list(range(self.steps)) or any(
            p.dims != first.dims for p in parts
        ):
            raise CaptureError(
                f"{self.here()}: stacks {len(parts)} values that are not the {self.steps} steps "
                f"in order; "
                "stack every step, or index the one that is needed"
            )
        if all(p.record == first.record for p in parts):
            return Val(first.record, dims)
        site, source = self.frames()
        record = Record(
            len(self.records),
            "collect",
            tuple(parts),
            {},
            {},
            dims,
            None,
            self.place.path,
            site,
            source,
        )
        self.records.append(record)
        return Val(record.id, dims)

    def reshaped(self, value: Val, dims: Dims) -> Val:
        """The same elements seen with other axes; a record only when the slice's shape changes."""
        if axes.slice_shape(dims) == value.shape:
            return Val(value.record, dims, value.step)
        out = self.emit(
            "reshape",
            [Val(value.record, value.dims, value.step)],
            dims,
            {"shape": axes.slice_shape(dims)},
        )
        return out

    def constant(self, tensor: Tensor, dims: Dims) -> Val:
        """A constant as a value, its T and B factors taken out."""
        array = self.per_slice(tensor, dims)
        if array.shape[0] != 1:
            raise CaptureError(f"{self.here()}: joins a constant that differs from step to step")
        plain = tuple(tuple(a for a in d if a[0] not in "TB") for d in dims if axes.kept(d))
        return self.emit("constant", [], plain, {}, {"value": array[0].clone()})

    def per_slice(self, tensor: Tensor, dims: Dims) -> Tensor:
        """A constant as (1 or steps, *slice shape): its sample factors must repeat. Axes of length
        1 stay 1.

        Raises CaptureError: it differs between samples.
        """
        tensor = tensor.detach().to(torch.float32)
        tensor = tensor.reshape((1,) * (len(dims) - tensor.ndim) + tuple(tensor.shape))
        data, position = tensor, 0
        steps_axis: int | None = None
        sizes: list[int] = []
        for axis, dim in enumerate(dims):
            n = tensor.shape[axis]
            if n == 1:
                sizes.extend([1] if axes.kept(dim) else [])
                data, position = self._one(data, position, axes.kept(dim))
                continue
            data = data.unflatten(position, [m for _, m in dim] or [1])
            ordinary = 1
            for role, m in dim or (("X", 1),):
                if role == "B":
                    data = self._shared(data, position)
                elif role == "T":
                    data = data.movedim(position, 0)
                    steps_axis, position = 0, position + 1
                else:
                    ordinary, position = ordinary * m, position + 1
            sizes.extend([ordinary] if axes.kept(dim) else [])
        lead = data.shape[0] if steps_axis is not None else 1
        data = data.reshape(lead, *sizes)
        return data[:1] if lead > 1 and bool((data == data[:1]).all()) else data

    def _one(self, data: Tensor, position: int, keep: bool) -> tuple[Tensor, int]:
        return (data, position + 1) if keep else (data.squeeze(position), position)

    def _shared(self, data: Tensor, position: int) -> Tensor:
        first = data.select(position, 0)
        if not bool((data == first.unsqueeze(position)).all()):
            raise CaptureError(
                f"{self.here()}: a constant differs between the samples of the batch; "
                "use one that is the same for all"
            )
        return first

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Run something that the trace shall not see, at full speed."""
        self.paused += 1
        try:
            with torch._C.DisableTorchFunction(), _disable_current_modes():
                yield
        finally:
            self.paused -= 1

    def miss(self, what: str) -> None:
        """Remember something that has no rule."""
        _, source = self.frames()
        found = Unknown(what, self.place.path, source)
        self.unknown[what, found.path, source] = found


def _wild(path: str) -> str:
    """A module path, indices hidden: a list of per-step modules is one place in the loop."""
    return ".".join("*" if part.isdigit() else part for part in path.split("."))
