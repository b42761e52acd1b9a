"""Finds an operator, profile, pass, rule or model by its file's name; imports it when used."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

from neurosim.errors import UnknownName

ROOT = Path(__file__).parent


@cache
def modules(room: str) -> tuple[str, ...]:
    """Names of the public modules in ``neurosim/<room>``, without importing any."""
    found = pkgutil.iter_modules([str(ROOT.joinpath(*room.split(".")))])
    return tuple(sorted(m.name for m in found if not m.name.startswith("_")))


def load(room: str, name: str, what: str) -> ModuleType:
    """Import ``neurosim.<room>.<name>``.

    Raises UnknownName: no such file; near names are offered.
    """
    if name not in modules(room):
        raise UnknownName(what, name, modules(room))
    return importlib.import_module(f"neurosim.{room}.{name}")


def data_files(room: str, suffix: str) -> dict[str, Path]:
    """Name → path of the data files in ``neurosim/<room>``."""
    folder = ROOT.joinpath(*room.split("."))
    return {p.stem: p for p in sorted(folder.glob(f"*{suffix}"))}
