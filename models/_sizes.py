"""Published sizes of model families: one file per family in models/sizes, read without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from neurosim import registry
from neurosim.data.recipe import Recipe
from neurosim.models._card import Accuracy, ModelCard


@dataclass(frozen=True)
class Size:
    """``family``: the file with ``build``, which takes ``config``; ``published_parameters``: the
    digits as printed."""

    family: str
    config: Mapping[str, Any]
    card: ModelCard
    published_parameters: str


@cache
def families() -> tuple[str, ...]:
    """Files of models/ that hold a family and no model of their own name."""
    return tuple(registry.data_files("models.sizes", ".yaml"))


@cache
def sizes() -> Mapping[str, Size]:
    """Name of a model → its size."""
    found: dict[str, Size] = {}
    for family, path in registry.data_files("models.sizes", ".yaml").items():
        shared = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, entry in shared["sizes"].items():
            found[name] = _size(family, name, shared, entry)
    return found


def _size(family: str, name: str, shared: Mapping[str, Any], entry: Mapping[str, Any]) -> Size:
    card = ModelCard(
        name=name,
        title=entry["title"],
        parameters=entry["parameters"],
        classes=shared["classes"],
        recipe=Recipe(**_tuples(shared["recipe"])),
        paper=shared["paper"],
        accuracy=tuple(Accuracy(**a) for a in entry.get("accuracy", ())),
        note=entry.get("note", shared.get("note", "")),
    )
    return Size(family, _tuples(entry["config"]), card, str(entry["published_parameters"]))


def _tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as the tuples that dataclasses hold."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
