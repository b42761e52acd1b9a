"""Which grid a value lies on and how large it gets: what decides whether a float32 sum is exact in
any order.

A value is a multiple of ``grid`` (a power of two) of magnitude at most ``bound``; a sum is exact in
any order when all its partial sums are, that is when Σ|w|·bound + |b| < 2^24·grid (counting rules,
section 1.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.ir.graph import Node
from neurosim.ir.types import ValueType

MANTISSA = 2.0**24
_MOVES = ("reshape", "permute", "slice", "expand", "pad", "concat", "index", "upsample")


@dataclass(frozen=True)
class Span:
    """Multiples of ``grid`` in [−bound, bound]."""

    grid: float
    bound: float

    @property
    def exact(self) -> bool:
        """Whether float32 holds every such number, and every sum that stays within the bound."""
        return self.bound < MANTISSA * self.grid


def is_power_of_two(number: float) -> bool:
    """Of a magnitude."""
    return number > 0 and math.frexp(number)[0] == 0.5


def of_discrete(t: ValueType) -> Span | None:
    """scale × n; None when a scale is no power of two."""
    scales = np.unique(np.abs(np.asarray(t.scale, np.float64)))
    if not all(is_power_of_two(float(s)) for s in scales):
        return None
    return Span(float(scales.min()), float(scales.max()) * max(abs(t.lo), abs(t.hi), 1))


def through(node: Node, known: Mapping[str, Span | None]) -> Span | None:
    """Of what moves or adds values; None: not known."""
    parts = [known.get(e.node) for e in node.inputs]
    spans = [s for s in parts if s is not None]
    if not parts or len(spans) != len(parts):
        return None
    grid = min(s.grid for s in spans)
    if node.op == "add":
        return Span(grid, sum(s.bound for s in spans))
    if node.op in _MOVES or (node.op == "pool" and node.attrs["mode"] == "max"):
        return Span(grid, max(s.bound for s in spans))
    return None
