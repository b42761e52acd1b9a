"""The type of a value: its shape, its time axis, and which numbers it can hold.

A value is stored as ``(steps, samples, *shape)``, or ``(samples, *shape)`` when ``steps`` is None
(a *clip* value). Kinds are decided from the graph alone (counting rules, section 2), never by
looking at numbers.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np


class Kind(enum.Enum):
    """SPIKE: scale × {0, 1}. GRADED: scale × other integers. REAL: no such form."""

    SPIKE = "spike"
    GRADED = "graded"
    REAL = "real"


Scale = float | np.ndarray  # one number, or broadcastable to shape, or to (steps, 1, *shape)


def scales_equal(a: Scale, b: Scale) -> bool:
    """Whether two scales are the same numbers."""
    return np.array_equal(np.asarray(a), np.asarray(b))


@dataclass(frozen=True, eq=False)
class ValueType:
    """value = scale × n, n an integer in [lo, hi] (unless REAL).

    ``masked`` marks a REAL that is zero wherever a spike was (counting rules, section 2: SPIKE ×
    REAL).
    """

    shape: tuple[int, ...]
    steps: int | None
    kind: Kind = Kind.REAL
    lo: int = 0
    hi: int = 0
    scale: Scale = 1.0
    masked: bool = False

    @cached_property
    def size(self) -> int:
        """Elements in one slice (one sample, one step)."""
        return math.prod(self.shape)

    @cached_property
    def discrete(self) -> bool:
        """SPIKE or GRADED: every non-zero element is an event."""
        return self.kind is not Kind.REAL

    def real(self) -> ValueType:
        """The same shape, holding any number."""
        return ValueType(self.shape, self.steps)

    def with_shape(self, *shape: int) -> ValueType:
        """The same numbers in another shape (a per-channel scale does not survive: see
        ``uniform``)."""
        return replace(self, shape=tuple(shape))

    @cached_property
    def uniform(self) -> bool:
        """One scale for all elements and steps."""
        return np.ndim(self.scale) == 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ValueType):
            return NotImplemented
        return self.key() == other.key() and scales_equal(self.scale, other.scale)

    def __hash__(self) -> int:
        return hash(self.key())

    def key(self) -> tuple[object, ...]:
        """Everything but the scale."""
        return (self.shape, self.steps, self.kind, self.lo, self.hi, self.masked)

    def __str__(self) -> str:
        axes = "x".join(map(str, self.shape)) or "scalar"
        time = "clip" if self.steps is None else f"T{self.steps}"
        if self.kind is Kind.SPIKE:
            return f"spike[{time}; {axes}]"
        if self.kind is Kind.GRADED:
            return f"graded[{time}; {axes}; {self.lo}..{self.hi}]"
        return f"{'masked ' if self.masked else ''}real[{time}; {axes}]"


def integers(
    shape: tuple[int, ...], steps: int | None, lo: int, hi: int, scale: Scale = 1.0
) -> ValueType:
    """SPIKE when the integers are 0 and 1 alone, GRADED otherwise."""
    kind = Kind.SPIKE if (lo, hi) == (0, 1) else Kind.GRADED
    return ValueType(shape, steps, kind, lo, hi, scale)
