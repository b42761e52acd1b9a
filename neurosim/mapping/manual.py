"""A placement by hand: node → cores, as a mapping or a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from neurosim.errors import PlacementError
from neurosim.mapping.network import Network
from neurosim.mapping.partition import in_order


def read_manual(given: Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    """The mapping itself, or that of a .yaml, .yml or .json file. Raises PlacementError."""
    if isinstance(given, Mapping):
        return given
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text file"
        raise PlacementError(f"manual {path}: {why}; name a YAML or JSON file") from None
    found = _parsed(path, text)
    if not isinstance(found, dict):
        raise PlacementError(f"manual {path}: expects 'node: [cores]' lines")
    return cast(dict[str, Any], found)


def _parsed(path: Path, text: str) -> Any:
    import yaml

    try:
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        said = str(error).splitlines()[0]
        raise PlacementError(f"manual {path}: {said}; write 'node: [cores]' lines") from None


def by_hand(network: Network, given: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(population → used core of each compartment, the place of each used core).

    Raises PlacementError: populations that are missing or unknown, or cores that are no numbers.
    """
    unknown = [n for n in given if n not in network.populations]
    missing = [n for n in network.populations if n not in given]
    if unknown or missing:
        found = [f"no population {', '.join(map(repr, unknown))}"] * bool(unknown)
        found += [f"nothing for {', '.join(map(repr, missing))}"] * bool(missing)
        known = ", ".join(network.populations)
        raise PlacementError(f"manual: {'; '.join(found)}; place each of {known}")
    where = {n: _cores(n, p.size, given[n]) for n, p in network.populations.items()}
    at = np.unique(np.concatenate(list(where.values())))
    return {n: np.searchsorted(at, w).astype(np.int32) for n, w in where.items()}, at


def _cores(name: str, size: int, given: Any) -> np.ndarray:
    listed = np.asarray(given).ravel()
    if listed.dtype.kind not in "iu" or not len(listed) or (listed < 0).any():
        raise PlacementError(
            f"manual {name!r}: expects a list of core numbers from 0; such as [0, 1]"
        )
    if len(listed) == size and size > 1 and isinstance(given, np.ndarray):
        return listed.astype(np.int64)
    if len(listed) > size:
        raise PlacementError(f"manual {name!r}: {len(listed)} cores for {size} neurons; list fewer")
    return listed.astype(np.int64)[in_order(size, len(listed))]
