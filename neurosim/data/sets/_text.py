"""The small files beside the videos: lists, tables and JSON; and where in the root things lie."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from neurosim.data.pictures import fault
from neurosim.errors import ClipError


def read_lines(path: Path) -> list[str]:
    """Lines that are not blank, stripped. Raises ClipError: missing, or not text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise fault(path, "no such file", f"put it into {str(path.parent)!r}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise fault(path, f"a list that cannot be read ({error})", "fetch it again") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_table(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """Rows of a CSV file with a header. Raises ClipError: a column or a cell is missing."""
    rows = list(csv.DictReader(read_lines(path)))
    for number, row in enumerate(rows or [{}], start=2):
        missing = [name for name in columns if row.get(name) is None]
        if missing:
            found = f"no {', '.join(missing)} in line {number}"
            raise fault(path, found, f"give a header and {', '.join(columns)} in every row")
    return rows


def read_json(path: Path) -> Any:
    """Raises ClipError: missing, or not JSON."""
    try:
        return json.loads("\n".join(read_lines(path)))
    except json.JSONDecodeError as error:
        raise fault(path, f"damaged JSON ({error})", "fetch it again") from None


def whole(path: Path, line: int, text: str) -> int:
    """A whole number of a table. Raises ClipError, naming the line."""
    try:
        return int(text)
    except ValueError:
        raise fault(path, f"{text!r} in line {line}", "give a whole number") from None


def first_of(name: str, candidates: Iterable[Path]) -> Path:
    """The first path that exists. Raises ClipError: none does."""
    tried = list(candidates)
    for path in tried:
        if path.exists():
            return path
    looked = " or ".join(repr(str(path)) for path in tried)
    raise ClipError(f"at data set {name!r}: found no {looked}; check the layout of its folder")
