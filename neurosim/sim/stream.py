"""Values on their way between nodes: a queue of steps per operand, so that branches may run at
different paces."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from neurosim.ops._value import Mask, Value


@dataclass(slots=True)
class Queue:
    """Pending steps of one operand (a sequence), or its single value (a clip value)."""

    sequence: bool
    parts: list[Value] = field(default_factory=list)  # few: a list takes less room
    clip: Value | None = None

    def push(self, value: Value) -> None:
        """More steps, or the clip value."""
        if self.sequence:
            self.parts.append(value)
        else:
            self.clip = value

    @property
    def pending(self) -> int:
        """Steps waiting."""
        parts = self.parts
        return parts[0].steps if len(parts) == 1 else sum(p.steps for p in parts)

    def take(self, steps: int) -> Value:
        """The next ``steps`` steps, without a copy when they arrived together."""
        if not self.sequence:
            assert self.clip is not None
            return self.clip
        if self.parts and self.parts[0].steps == steps:
            return self.parts.pop(0)
        taken: list[Value] = []
        left = steps
        while left:
            part = self.parts.pop(0)
            if part.steps > left:
                self.parts.insert(0, cut(part, left, part.steps))
                part = cut(part, 0, left)
            taken.append(part)
            left -= part.steps
        return taken[0] if len(taken) == 1 else join(taken)


@dataclass
class Steps:
    """Steps of a value that is kept, in one piece of memory: small pieces kept among large ones
    that come and go would pin those."""

    room: int  # steps to make room for at once
    held: Tensor | None = None
    length: int = 0

    def add(self, data: Tensor) -> None:
        """More steps; all of them at once are kept as they are."""
        if self.held is None and len(data) >= self.room:
            self.held = data
        else:
            self._grow(data)
            assert self.held is not None
            self.held[self.length : self.length + len(data)] = data
        self.length += len(data)

    def _grow(self, data: Tensor) -> None:
        needed = self.length + len(data)
        if self.held is not None and needed <= len(self.held):
            return
        grown = data.new_empty(max(self.room, needed, 2 * self.length), *data.shape[1:])
        if self.held is not None:
            grown[: self.length] = self.held[: self.length]
        self.held = grown

    def value(self) -> Tensor:
        """What was added, (steps, samples, *shape)."""
        assert self.held is not None
        return self.held[: self.length]


def cut(value: Value, start: int, stop: int) -> Value:
    """Steps ``start`` to ``stop``."""
    mask = value.arrived
    return Value(
        value.data[start:stop],
        value.type,
        mask if isinstance(mask, bool) else _cut(mask, start, stop),
    )


def _cut(mask: Tensor, start: int, stop: int) -> Tensor:
    return mask if mask.shape[0] == 1 else mask[start:stop]


def join(values: list[Value]) -> Value:
    """One value of all the steps."""
    data = torch.cat([v.data for v in values])
    return Value(data, values[0].type, join_masks([(v.arrived, v) for v in values]))


def join_masks(pairs: list[tuple[Mask, Value]]) -> Mask:
    """The masks of consecutive steps as one."""
    masks = [m for m, _ in pairs]
    if all(m is True for m in masks) or all(m is False for m in masks):
        return masks[0]
    full = []
    tensors = [m for m in masks if isinstance(m, Tensor)]
    shape = (
        max(tensors, key=lambda m: m[0].numel()).shape[2:]
        if tensors
        else (1,) * len(pairs[0][1].type.shape)
    )
    for mask, value in pairs:
        if isinstance(mask, bool):
            mask = torch.full((value.steps, value.samples, *shape), mask, device=value.data.device)
        full.append(mask.expand(value.steps, value.samples, *shape))
    return torch.cat(full)


def delayed(
    value: Value, held: Value | None, initial: Tensor | None, delay: int
) -> tuple[Value, Value]:
    """The value ``delay`` steps ago, and what to hold for the next chunk."""
    if held is None:
        first = (
            torch.zeros_like(value.data[:1])
            if initial is None
            else initial.expand_as(value.data[:1])
        )
        held = Value(first.expand(delay, *value.data.shape[1:]), value.type, False)
    line = join([held, value])
    steps = value.steps
    return cut(line, 0, steps), cut(line, steps, steps + delay)
