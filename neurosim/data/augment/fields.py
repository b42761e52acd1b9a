"""Settings as values: each field checked, written to JSON and read back, errors in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

from neurosim.errors import ClipError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Settings = TypeVar("Settings", bound=DataclassInstance)


def number(value: object, low: float = 0.0, high: float = math.inf) -> bool:
    """Whether a finite number (not a bool) in low … high."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value) and low <= value <= high


def whole(value: object, low: int) -> bool:
    """Whether an int (not a bool) of at least ``low``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def ordered(value: object) -> bool:
    """Whether a pair of finite numbers above 0, the smaller one first."""
    if not isinstance(value, tuple) or len(value) != 2 or not all(map(number, value)):
        return False
    return 0 < value[0] <= value[1]


def check(place: str, value: object, good: Mapping[str, bool], remedies: Mapping[str, str]) -> None:
    """Raises ClipError: the first field that is not good, what it holds and its remedy."""
    for name, fine in good.items():
        if not fine:
            found = getattr(value, name)
            raise ClipError(f"at {place} field {name!r}: found {found!r}; {remedies[name]}")


def to_dict(value: DataclassInstance) -> dict[str, Any]:
    """JSON-ready: tuples are lists."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(value).items()}


def from_dict(kind: type[Settings], place: str, d: object) -> Settings:
    """Inverse of ``to_dict``; a field left out keeps its default.

    Raises ClipError: an unknown field, or not a mapping.
    """
    known = [f.name for f in fields(kind)]
    if not isinstance(d, Mapping):
        raise ClipError(f"at {place}: found {d!r}; give a mapping of {', '.join(known)}")
    unknown = sorted(map(str, set(d) - set(known)))
    if unknown:
        raise ClipError(
            f"at {place}: found unknown fields {unknown}; the fields are {', '.join(known)}"
        )
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in d.items()})
