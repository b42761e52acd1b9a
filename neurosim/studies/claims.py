"""Energies that others published: what they print, and the facts to recompute it from.

A file in ``published/`` is a table, an entry a row; no recomputed figure is stored.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from neurosim import units
from neurosim.errors import UnknownName
from neurosim.hardware.complain import complaint
from neurosim.hardware.quantity import Strict, Text
from neurosim.hardware.read_yaml import read_yaml
from neurosim.registry import data_files

# match: within 0.01 mJ; printed_digits: further off, within what coarser printed digits leave open
Verdict = Literal["match", "printed_digits", "mismatch", "not_checkable"]


def _printed(parse: Any) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


Joules = Annotated[str, _printed(units.joules)]  # as printed: the digits are facts too
Count = Annotated[str, _printed(units.count)]


class OwnLayers(Strict):
    """Layers that see real values, counted on our own ``model``; the first one is its stem."""

    model: Text
    of: tuple[Text, ...] = Field(min_length=1)


class Scaled(Strict):
    """``printed`` × our dense operations of ``model`` at one size / at another."""

    model: Text
    printed: Joules
    at: int
    to: int


class Operations(Strict):
    """What is billed: printed accumulations and MACs, layers of ours, or a table of layers."""

    synaptic: Count | None = None
    multiply: Count | None = None
    layers: OwnLayers | None = None
    table: Text | None = None
    scaled: Scaled | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Operations:
        sums = any(v is not None for v in (self.synaptic, self.multiply, self.layers))
        if sum((sums, self.table is not None, self.scaled is not None)) != 1:
            raise ValueError("give counts and layers, or a table, or a scaled figure")
        return self


class Claim(Strict):
    """A printed energy. ``tolerance``: instead of the rounding of what is printed."""

    id: Text
    model: Text
    source: Text
    reported: Joules
    expected: Verdict
    reason: Text
    profile: Text = "cmos_45nm"
    convention: Text = "not stated"
    tolerance: Joules | None = None
    facts: dict[str, Any] = {}
    operations: Operations | None = None


class PublishedTable(Strict):
    """A table with its source; ids are unique across all tables. ``dataset``: of its accuracies,
    where they may be shown beside others.
    """

    title: Text
    dataset: str = ""
    source: Text
    rows: tuple[Claim, ...]


def tables() -> tuple[str, ...]:
    """Names of the tables that ship."""
    return tuple(data_files("studies.published", ".yaml"))


def load_table(name: str) -> PublishedTable:
    """A table that ships. Raises UnknownName, ProfileError: file and line."""
    files = data_files("studies.published", ".yaml")
    if name not in files:
        raise UnknownName("table", name, files)
    return _read(files[name])


@cache
def _read(path: Path) -> PublishedTable:
    document = read_yaml(path)
    try:
        return PublishedTable.model_validate(document.data)
    except ValidationError as error:
        raise complaint(error, PublishedTable, document) from None
