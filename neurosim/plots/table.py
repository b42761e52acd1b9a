"""The numbers of a picture as a table: CSV at full precision, or JSON-ready rows."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from neurosim.ir.store import write_atomically
from neurosim.plots.style import check_folder

Cell = str | int | float | None  # None: not known


class Table(Protocol):
    """What every picture is drawn from."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, units in the name."""
        ...

    def rows(self) -> Sequence[Sequence[Cell]]:
        """One tuple a row, as long as ``columns``."""
        ...


def csv_text(table: Table) -> str:
    """A header and the rows; floats as Python prints them (they read back equal), unknown empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(["" if _plain(c) is None else _plain(c) for c in row] for row in table.rows())
    return buffer.getvalue()


def save_csv(table: Table, path: str | Path) -> Path:
    """Write ``csv_text``, whole or not at all. Raises StoreError: no such folder, not writable."""
    path = Path(path)
    check_folder(path)
    return write_atomically(path, csv_text(table).encode())


def records(table: Table) -> list[dict[str, Any]]:
    """A dictionary a row, JSON-ready: None where a value is not known, "inf" where it is."""
    return [dict(zip(table.columns, map(_json, row), strict=True)) for row in table.rows()]


def _json(cell: Any) -> Cell:
    value = _plain(cell)
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _plain(cell: Any) -> Cell:
    """A Python number; NaN means not known."""
    value = cell.item() if isinstance(cell, np.generic) else cell
    return None if isinstance(value, float) and math.isnan(value) else value
