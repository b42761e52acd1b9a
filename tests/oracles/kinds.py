"""The kind of every result, from the kinds of the operands alone (counting rules, section 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Value(NamedTuple):
    """value = scale × n, n in [lo, hi]; 'real' has no such form."""

    kind: str
    lo: int = 0
    hi: int = 0
    scale: float = 1.0
    masked: bool = False


SPIKE = Value("spike", 0, 1)
REAL = Value("real")
MASKED = Value("real", masked=True)


def graded(lo: int, hi: int, scale: float = 1.0) -> Value:
    """Integers lo…hi times a scale."""
    return Value("graded", lo, hi, scale)


def _neuron(*_: Value, max_spikes: int = 1) -> Value:
    return SPIKE if max_spikes == 1 else graded(0, max_spikes)


def _same(a: Value, **_: object) -> Value:
    return a


def _zero_pad(a: Value) -> Value:
    return a if a.kind == "real" else a._replace(lo=min(a.lo, 0), hi=max(a.hi, 0))


def _max_pool(a: Value) -> Value:
    return a if a.kind == "real" or a.scale > 0 else REAL


def _concat(*parts: Value) -> Value:
    if any(p.kind == "real" or p.scale != parts[0].scale for p in parts):
        return REAL
    lo, hi = min(p.lo for p in parts), max(p.hi for p in parts)
    kind = "spike" if all(p.kind == "spike" for p in parts) else "graded"
    return Value(kind, lo, hi, parts[0].scale)


def _times_constant(a: Value, factor: float) -> Value:
    return a if a.kind == "real" else a._replace(scale=a.scale * factor)


def _add(a: Value, b: Value) -> Value:
    if "real" in (a.kind, b.kind) or a.scale != b.scale:
        return REAL
    return graded(a.lo + b.lo, a.hi + b.hi, a.scale)


def _subtract(a: Value, b: Value) -> Value:
    if "real" in (a.kind, b.kind) or a.scale != b.scale:
        return REAL
    return graded(a.lo - b.hi, a.hi - b.lo, a.scale)


def _corners(a: Value, b: Value) -> tuple[int, int]:
    ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
    return min(ends), max(ends)


def _multiply(a: Value, b: Value, equal_shapes: bool = True) -> Value:
    if a.kind == b.kind == "spike" and equal_shapes:
        return Value("spike", 0, 1, a.scale * b.scale)
    if "real" not in (a.kind, b.kind):
        return graded(*_corners(a, b), a.scale * b.scale)
    return MASKED if "spike" in (a.kind, b.kind) else REAL


def _matmul(a: Value, b: Value, length: int) -> Value:
    if "real" in (a.kind, b.kind):
        return REAL
    lo, hi = _corners(a, b)
    return graded(lo * length, hi * length, a.scale * b.scale)


def _one_minus(a: Value) -> Value:
    return SPIKE if a == SPIKE else REAL


def _average_pool(a: Value, window: int, constant_divisor: bool = True) -> Value:
    if a.kind == "real" or not constant_divisor:
        return REAL
    return graded(a.lo * window, a.hi * window, a.scale / window)


def _sum(a: Value, length: int) -> Value:
    return REAL if a.kind == "real" else graded(a.lo * length, a.hi * length, a.scale)


def _real(*_: Value, **__: object) -> Value:
    return REAL


RULES: dict[str, Callable[..., Value]] = {
    "neuron": _neuron,
    **dict.fromkeys(("reshape", "permute", "slice", "index", "repeat", "nearest"), _same),
    **dict.fromkeys(("circular_pad", "reflect_pad", "replicate_pad"), _same),
    "zero_pad": _zero_pad,
    "max_pool": _max_pool,
    "concat": _concat,
    "times_constant": _times_constant,
    "dropout": _same,
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "matmul": _matmul,
    "one_minus": _one_minus,
    "average_pool": _average_pool,
    "sum": _sum,
    **dict.fromkeys(("weights", "norm", "softmax", "interpolate", "plus_constant"), _real),
}


def kind_of(op: str, *operands: Value, **facts: float) -> Value:
    """The result of ``op``."""
    return RULES[op](*operands, **facts)
