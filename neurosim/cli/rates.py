"""``--rates``: one number, a file of neuron node → rate, or the rates published with the model."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurosim.errors import RatesError


def read_rates(text: str, model: str) -> tuple[float | dict[str, float], str]:
    """(rate or node → rate, activity: published | assumed). Raises RatesError."""
    if not text.strip():
        raise RatesError("--rates: is empty; give a number, a file or published")
    if text == "published":
        return _published(model), "published"
    try:
        rate = float(text)
    except ValueError:
        return _from_file(Path(text)), "assumed"
    return _in_range(rate, "--rates"), "assumed"


def _published(model: str) -> dict[str, float]:
    from neurosim import models

    found = models.published(model) if model in models.list() else None
    if found is None:
        known = [n for n in models.list() if models.card(n).published_rates]
        raise RatesError(
            f"--rates published: {model!r} has no published rates; those of {', '.join(known)} ship"
        )
    return {node: float(entry["rate"]) for node, entry in found["plif"].items()}


def _from_file(path: Path) -> dict[str, float]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise RatesError(
            f"--rates {path}: {reason}; give a number, a JSON or CSV file of neuron node → rate, "
            "or published"
        ) from None
    found = _json(path, text) if text.lstrip()[:1] in ("{", "[") else _csv(path, text)
    if not found:
        raise RatesError(f"--rates {path}: holds no rate; give neuron node → rate")
    return {str(n): _number(path, str(n), value) for n, value in found.items()}


def _json(path: Path, text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise RatesError(f"{path}:{error.lineno}: not JSON: {error.msg}; correct it") from None
    if not isinstance(found, dict):
        raise RatesError(f"{path}: holds a {type(found).__name__}; expects {{node: rate}}")
    inner = found.get("firing_rates")  # of a saved report
    return inner if isinstance(inner, dict) else found


def _csv(path: Path, text: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for line, row in enumerate(csv.reader(text.splitlines()), 1):
        if not row or line == 1 and row[-1].strip().lower() == "rate":
            continue
        if len(row) != 2:
            raise RatesError(f"{path}:{line}: found {','.join(row)!r}; give node,rate")
        found[row[0].strip()] = row[1].strip()
    return found


def _number(path: Path, node: str, value: Any) -> float:
    try:
        rate = float(value)
    except (TypeError, ValueError):
        raise RatesError(
            f"{path}: {node}: {value!r} is not a number; give spikes per step"
        ) from None
    return _in_range(rate, f"{path}: {node}")


def _in_range(rate: float, place: str) -> float:
    if not 0 <= rate < float("inf"):
        raise RatesError(
            f"{place}: a firing rate of {rate:g}; give spikes per neuron and step, at least 0"
        )
    return rate
