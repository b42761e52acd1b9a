"""Models × chips: energy beside accuracy, with intervals and what others published.

An accuracy belongs to the weights that the energy was measured with: that of an evaluation, of a
zoo model with the weights that ship, or of a publication together with its published rates. A model
without one is listed and left out of the scatter, with the reason.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosim import units
from neurosim.energy.report import EnergyReport
from neurosim.errors import ModelError, UnknownName
from neurosim.hardware.convention import Convention
from neurosim.ir.run import Run
from neurosim.ir.store import load_run
from neurosim.plots.scatter import CostPoint, CostScatter
from neurosim.plots.span import Span
from neurosim.studies import claims
from neurosim.studies.estimate import Chip, Estimate, check_chips, place_all, price_all
from neurosim.studies.evaluate import Evaluation

EVALUATION, RUN = "evaluation.json", "run.npz"
Tell = Callable[[str, int, int], object]  # model, done, of how many


@dataclass(frozen=True)
class KnownAccuracy:
    """``top1`` between 0 and 1, with its 95 % interval where videos are known; of ``views``
    forwards a video."""

    dataset: str
    top1: Span
    views: int
    source: str


@dataclass(frozen=True)
class Candidate:
    """One model: what it did, and how accurate it is. ``why``: no accuracy is known. ``spread``:
    chip → interval of the mean over videos of joules per video, as an evaluation found it."""

    name: str
    run: Run
    accuracies: tuple[KnownAccuracy, ...]
    why: str = ""
    spread: Mapping[str, tuple[float, float, float]] | None = None


Given = Candidate | Estimate | Evaluation | Run | str | Path


@dataclass(frozen=True)
class CompareRow:
    """A model on a chip at one accuracy. ``joules_per_video``: its bounds are the prices' low and
    high ends, or the interval over videos where that is wider; NaN where neither is known."""

    model: str
    chip: str
    accuracy: KnownAccuracy | None
    why: str
    joules_per_video: Span
    seconds_per_video: float | None
    firing_rate: float
    synaptic_operations: float  # per view
    report: EnergyReport

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; None where nothing is known."""
        known, mj = self.accuracy, self.joules_per_video.scaled(1e3)
        seconds = self.seconds_per_video
        return {
            "model": self.model,
            "chip": self.chip,
            "dataset": known.dataset if known else None,
            "top1": _span(known.top1) if known else None,
            "accuracy_source": known.source if known else None,
            "no_accuracy": self.why or None,
            "views": known.views if known else self.report.convention.views,
            "mj_per_video": _span(mj),
            "ms_per_video": None if seconds is None else seconds * 1e3,
            "firing_rate": self.firing_rate,
            "synaptic_operations_per_view": self.synaptic_operations,
            "convention": self.report.convention.name,
            "activity": self.report.manifest.activity,
            "weights": self.report.manifest.weights,
        }


@dataclass(frozen=True)
class Comparison:
    """Rows by model, then chip; ``published``: points of the data sets that the models are on;
    ``notes``: what makes two rows less alike than they look."""

    compared: tuple[CompareRow, ...]
    published: tuple[CostPoint, ...]
    notes: tuple[str, ...] = ()

    @property
    def left_out(self) -> dict[str, str]:
        """Model → why it is not in the scatter."""
        return {r.model: r.why for r in self.compared if r.accuracy is None}

    def scatter(self) -> CostScatter:
        """What ``plots.draw_scatter`` takes."""
        ours = [
            CostPoint(r.model, r.chip, r.accuracy.dataset, r.accuracy.top1, r.joules_per_video,
                      r.accuracy.views)
            for r in self.compared if r.accuracy is not None
        ]  # fmt: skip
        return CostScatter((*ours, *self.published))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as ``neurosim compare --json`` prints it."""
        return {
            "models": [row.to_dict() for row in self.compared],
            "left_out_of_the_scatter": self.left_out,
            "notes": list(self.notes),
            "published": [
                {"model": p.model, "dataset": p.dataset, "top1": p.accuracy.mean,
                 "mj_per_video": p.joules_per_video.mean * 1e3, "verdict": p.verdict}
                for p in self.published
            ],
        }  # fmt: skip


def compare(
    models: Mapping[str, Given] | Sequence[str | Path],
    hardware: Iterable[Chip] | Chip = ("cmos_45nm",),
    convention: str | Path | Convention | None = None,
    host: Chip | None = None,
    published: Iterable[str] = (),
    *,
    tell: Tell | None = None,
    **count_overrides: Any,
) -> Comparison:
    """Every model on every chip.

    ``models``: name → an estimate, an evaluation, a run, or the folder of one (of a training run
    with its evaluation; what ``estimate --out`` or ``evaluate --out`` wrote); folders alone are
    named by their paths. ``published``: tables of ``neurosim reproduce`` to show besides those of
    the models' data sets.

    Raises ModelError: a folder that holds neither. UnknownName, ProfileError.
    """
    chips = check_chips(hardware, convention, host, count_overrides)
    tables = _tables(published)
    given: dict[str, Given] = (
        dict(models) if isinstance(models, Mapping) else {str(m): m for m in models}
    )
    if not given:
        raise ModelError("compare: no model at all; give at least one")
    rows: list[CompareRow] = []
    for done, (name, model) in enumerate(given.items()):
        if tell is not None:
            tell(name, done, len(given))
        candidate = candidate_of(name, model)
        placed, unplaced = (
            ({}, {}) if candidate.run.graph is None else place_all(candidate.run.graph, chips)
        )
        reports = price_all(
            candidate.run, chips, convention, host, count_overrides, placed, unplaced
        )
        rows += [row for chip, report in reports.items() for row in _rows(candidate, chip, report)]
    notes = [*_unlike(rows), *_one_clip(rows)]
    return Comparison(tuple(rows), _points(rows, tables), tuple(dict.fromkeys(notes)))


def _unlike(rows: Iterable[CompareRow]) -> Iterable[str]:
    """Chips where some models sit on cores and others do not: their joules hold other things."""
    for chip in dict.fromkeys(row.chip for row in rows):
        of = [row for row in rows if row.chip == chip]
        apart = dict.fromkeys(row.model for row in of if row.seconds_per_video is None)
        if apart and len(apart) < len({row.model for row in of}):
            yield (
                f"{chip}: {', '.join(apart)} not mapped, so without static energy and messages: "
                "not comparable with the mapped ones"
            )


def _one_clip(rows: Iterable[CompareRow]) -> Iterable[str]:
    for row in rows:
        measured = row.report.manifest.activity == "measured"
        if row.accuracy is not None and measured and row.report.samples == 1:
            yield (
                f"{row.model}: energy of one clip, accuracy on {row.accuracy.dataset}; "
                "neurosim evaluate measures both on the same videos"
            )


def candidate_of(name: str, model: Given) -> Candidate:
    """A model with its accuracies. Raises ModelError, StoreError."""
    if isinstance(model, Candidate):
        return model
    if isinstance(model, Evaluation):
        return _evaluated(name, model.run, model.to_dict())
    if isinstance(model, Estimate):
        return _carded(name, model.run)
    if isinstance(model, Run):
        return _carded(name, model)
    place = saved_at(Path(model))
    if place is None:
        raise ModelError(
            f"{model}: holds no {RUN}; give a folder that neurosim evaluate or estimate --out wrote"
        )
    run = load_run(place / RUN)
    if (place / EVALUATION).is_file():
        return _evaluated(name, run, _read(place / EVALUATION))
    return _carded(name, run)


def saved_at(path: Path) -> Path | None:
    """The folder of a saved run: ``path`` itself, or the evaluation inside a training run's."""
    for place in (path / "evaluation", path):
        if (place / RUN).is_file():
            return place
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        _ = found["top1"]["mean"], found["data"]["name"], found["views"]["clips"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: no evaluation ({type(error).__name__}: {error}); evaluate the model again"
        ) from None
    return found


def _evaluated(name: str, run: Run, found: Mapping[str, Any]) -> Candidate:
    top1, views = found["top1"], found["views"]["clips"] * found["views"]["crops"]
    source = f"{found['videos']:,} videos, split {found['data']['split']}"
    known = KnownAccuracy(
        found["data"]["name"], Span(top1["mean"], top1["low"], top1["high"]), views, source
    )
    spread = {
        chip: (j["mean"], j["low"], j["high"]) for chip, j in found["joules_per_video"].items()
    }
    return Candidate(name, run, (known,), spread=spread)


def _carded(name: str, run: Run) -> Candidate:
    """The card's accuracies, where they belong to what was run."""
    manifest = run.manifest
    entries = manifest.card.get("accuracy", ())
    belongs = manifest.activity == "published" or (
        manifest.activity == "measured" and manifest.weights == "pretrained"
    )
    if entries and belongs:
        known = [
            KnownAccuracy(e["dataset"], Span(e["top1"] / 100), e["views"], e["source"])
            for e in entries
        ]
        return Candidate(name, run, tuple(known))
    return Candidate(name, run, (), _why(run))


def _why(run: Run) -> str:
    manifest = run.manifest
    if manifest.activity == "assumed":
        return "assumed firing rates: nobody knows the accuracy that goes with them"
    if manifest.weights == "untrained":
        return "untrained weights: a published accuracy is not theirs"
    return "no accuracy is known: evaluate it (neurosim evaluate)"


def _rows(candidate: Candidate, chip: str, report: EnergyReport) -> Iterable[CompareRow]:
    run = candidate.run
    for known in candidate.accuracies or (None,):
        views = known.views if known else report.convention.views
        seconds = report.seconds_per_view
        yield CompareRow(
            candidate.name, chip, known, candidate.why, _energy(candidate, chip, report, views),
            None if seconds is None else seconds * views, run.mean_firing_rate(),
            run.synaptic_operations() / run.samples, report,
        )  # fmt: skip


def _energy(candidate: Candidate, chip: str, report: EnergyReport, views: int) -> Span:
    """Joules per video; bounds by prices, and by videos where these were evaluated alike: to 0.1 %,
    because a convention that takes the smaller of two sums takes it video by video there.
    """
    scale = views / report.samples
    mean, bounds = report.joules * scale, [report.low * scale, report.high * scale]
    found = (candidate.spread or {}).get(chip)
    if found is not None and math.isclose(found[0], mean, rel_tol=1e-3):
        bounds += [found[1], found[2]]
    low, high = min(bounds), max(bounds)
    return Span(mean, low, high) if high > low else Span(mean)


def _tables(asked: Iterable[str]) -> tuple[str, ...]:
    for name in asked:
        if name not in claims.tables():
            raise UnknownName("table", name, claims.tables())
    return tuple(asked)


def _points(rows: Iterable[CompareRow], asked: tuple[str, ...]) -> tuple[CostPoint, ...]:
    """Published energies with their accuracies: of the rows' data sets, and of tables asked for."""
    datasets = {r.accuracy.dataset.lower() for r in rows if r.accuracy is not None}
    names = {r.accuracy.dataset.lower(): r.accuracy.dataset for r in rows if r.accuracy is not None}
    found: list[CostPoint] = []
    for name in claims.tables():
        table = claims.load_table(name)
        dataset = table.dataset.lower()
        if dataset and (name in asked or dataset in datasets):
            found += [
                _point(claim, names.get(dataset, table.dataset)) for claim in table.rows
                if "top1" in claim.facts and claim.profile == "cmos_45nm"
            ]  # fmt: skip
    return tuple(dict.fromkeys(found))


def _point(claim: claims.Claim, dataset: str) -> CostPoint:
    """As printed, on the arithmetic of 45 nm that all of these tables use."""
    return CostPoint(
        claim.model, "published", dataset, Span(claim.facts["top1"] / 100),
        Span(units.joules(claim.reported)), verdict=claim.expected,
    )  # fmt: skip


def _span(span: Span) -> dict[str, float | None]:
    def plain(value: float) -> float | None:
        return None if math.isnan(value) else value

    return {"mean": span.mean, "low": plain(span.low), "high": plain(span.high)}
