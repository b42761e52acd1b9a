"""How a figure was made: travels inside every artefact."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import metadata
from typing import Any, cast

_PACKAGES = ("neurosim-snn", "torch", "norse", "numba", "numpy")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that can change a figure."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Manifest:
    """Provenance of a run. ``activity``: measured (a clip was simulated), assumed or published
    (rates were given)."""

    model: str = ""
    pipeline: tuple[str, ...] = ()
    clip: Mapping[str, Any] = field(default_factory=dict[str, Any])
    activity: str = "measured"
    weights: str = "unknown"  # untrained | pretrained | checkpoint path | unknown
    engine: str = ""
    engine_by_node: Mapping[str, str] = field(default_factory=dict[str, str])
    seed: int | None = None
    chunk_steps: int = 0
    window: tuple[int, int] | None = None
    binned: str = ""
    notes: tuple[str, ...] = ()
    card: Mapping[str, Any] = field(
        default_factory=dict[str, Any]
    )  # of a zoo model: title, parameters, accuracy, note
    versions: Mapping[str, str] = field(default_factory=versions)

    def with_(self, **changes: Any) -> Manifest:
        """A copy with some fields replaced."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> Manifest:
        """Inverse of ``to_dict``."""
        known: dict[str, Any] = {k: v for k, v in d.items() if k in Manifest.__annotations__}
        lists: dict[str, Any] = {
            k: tuple(cast("list[Any]", v)) for k, v in known.items() if isinstance(v, list)
        }
        return Manifest(**(known | lists))
