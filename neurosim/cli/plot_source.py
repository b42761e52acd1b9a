"""What ``neurosim plot`` draws from: a run, rates, and what else a folder keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.ir.run import Run

if TYPE_CHECKING:
    from neurosim.hardware.schema import Profile


@dataclass(frozen=True)
class Kept:
    """What else a folder holds: rows of a training's metrics, an evaluation's document, the
    energies of an estimate's report."""

    metrics: tuple[Mapping[str, float], ...] = ()
    evaluation: Mapping[str, Any] | None = None
    energies: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Asked:
    """What the pictures are made from."""

    data: Run | Mapping[str, Any]
    layer: str | None = None
    sample: int = 0
    labels: tuple[int | str, ...] | None = None
    kept: Kept | None = None
    chips: tuple[Profile, ...] = ()
    named: bool = False  # the chips, on the command line

    @property
    def energies(self) -> tuple[Mapping[str, Any], ...]:
        """Those of the folder's report, unless other chips were asked for."""
        return () if self.named or self.kept is None else self.kept.energies

    @property
    def run(self) -> Run:
        """The run; asked for where ``why_not`` found one."""
        if not isinstance(self.data, Run):
            raise TypeError("rates alone are no run")
        return self.data


def read_source(text: str) -> Run | Mapping[str, Any]:
    """A run, {node: rate}, or a published vector.

    Raises StoreError, RatesError: a file that holds none; ModelError: neither file nor model.
    """
    from neurosim.cli.rates import read_rates
    from neurosim.ir.store import load_run

    path = Path(text)
    if path.is_dir():
        return _of_folder(path)
    if path.suffix == ".npz":
        return load_run(path)
    if not path.is_file():
        return _published(text)
    rates, _ = read_rates(str(path) if path.is_absolute() else f"./{path}", "")
    return rates if isinstance(rates, Mapping) else {}


def _of_folder(path: Path) -> Run | Mapping[str, Any]:
    """The run that a folder keeps: its own, or that of a training run's evaluation."""
    from neurosim.errors import StoreError
    from neurosim.ir.store import load_run

    training = (path / "config.yaml").is_file() and not (path / "run.npz").is_file()
    if training and not (path / "evaluation" / "run.npz").is_file():
        raise StoreError(
            f"{path}: a training run that was not evaluated; run neurosim evaluate {path} first"
        )
    return load_run(path / "evaluation" / "run.npz" if training else path / "run.npz")


def read_kept(path: Path) -> Kept:
    """Of the folder of a training run, an evaluation or an estimate; of others nothing.

    Raises StoreError.
    """
    import csv
    import json

    from neurosim.errors import StoreError

    rows: tuple[Mapping[str, float], ...] = ()
    try:
        if (path / "metrics.csv").is_file():
            with (path / "metrics.csv").open(newline="") as file:
                rows = tuple({k: float(v) for k, v in r.items() if v} for r in csv.DictReader(file))
        for place in (path / "evaluation.json", path / "evaluation" / "evaluation.json"):
            if place.is_file():
                return Kept(rows, json.loads(place.read_text()))
        if (path / "report.json").is_file():
            return Kept(rows, energies=_energies(json.loads((path / "report.json").read_text())))
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); make it again") from None
    return Kept(rows)


def _energies(report: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The lines that say where their joules went (reports of older versions do not)."""
    return tuple(line for line in report.get("three_energies", ()) if "by_layer" in line)


def _published(name: str) -> Mapping[str, Any]:
    from neurosim import models
    from neurosim.errors import ModelError

    if name not in models.list():
        known = ", ".join(n for n in models.list() if models.card(n).published_rates)
        raise ModelError(
            f"{name or 'SOURCE'}: no such file or folder, and no model with published rates "
            f"({known}); give a saved run"
        )
    found = models.published(name)
    if found is None:
        raise ModelError(
            f"{name}: has no published rates; save a run: neurosim estimate {name} --out DIR"
        )
    return found


def read_labels(path: Path) -> tuple[int | str, ...]:
    """A JSON list, or a label a line; whole numbers become int. Raises StoreError."""
    import json

    from neurosim.errors import StoreError

    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if text.lstrip()[:1] == "[" else text.split("\n")
    except (OSError, ValueError) as error:  # not text, not JSON
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise StoreError(f"--labels {path}: {reason}; give a JSON list or a label a line") from None
    if not all(isinstance(x, (int, str)) for x in found):
        raise StoreError(f"--labels {path}: holds other than names and numbers; list those")
    plain = [x.strip() if isinstance(x, str) else x for x in found]
    return tuple(int(x) if str(x).isdecimal() else x for x in plain if x != "")
