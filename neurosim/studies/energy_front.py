"""The accuracy–energy front: one model, trained alike but for the weight of its energy.

Each point is a training run of its own below the front's folder, finished runs are kept and an
interrupted one is resumed; every point is evaluated on the same videos.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import TrainError
from neurosim.ir.store import write_atomically
from neurosim.studies.estimate import Chip, check_chips
from neurosim.studies.evaluate import Evaluation, evaluate
from neurosim.train.config import TrainConfig, recipe_for
from neurosim.train.run_dir import LAST, RunDir, is_run

if TYPE_CHECKING:
    from neurosim.plots.front import EnergyFront

WEIGHTS = (0.0, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True)
class Point:
    """What one energy weight led to."""

    energy_weight: float
    run: Path
    evaluation: Evaluation

    def row(self) -> dict[str, Any]:
        """As ``front.csv`` has it; joules and SynOps per video."""
        e = self.evaluation
        found: dict[str, Any] = {"energy_weight": self.energy_weight, "videos": len(e.videos)}
        for name, span in (
            ("top1", e.top1),
            ("firing_rate", e.firing_rate),
            ("synaptic_operations", e.synaptic_operations),
            *((f"joules_{chip}", span) for chip, span in e.joules_per_video.items()),
        ):
            found |= {name: span.mean, f"{name}_low": span.low, f"{name}_high": span.high}
        return found


def energy_front(
    model: str | Path,
    dataset: str = "motion",
    weights: Sequence[float] = WEIGHTS,
    hardware: Iterable[Chip] | Chip = ("cmos_45nm",),
    *,
    out: str | Path = "energy_front",
    epochs: int | None = None,
    settings: Mapping[str, Any] | None = None,
    split: str = "test",
    number: int | None = None,
    tell: Callable[[float, Mapping[str, Any]], object] | None = None,
) -> list[Point]:
    """A point for each of ``weights``, in their order.

    ``model``: a training run, whose best weights every point starts from, or a model to train from
    the beginning. ``epochs``, ``settings``: in place of the recipe's. ``tell`` hears the weight and
    what ``train`` tells. Under ``torchrun`` all processes train and the first evaluates: the
    others get no points. Raises NeurosimError: as ``train`` and ``evaluate``.
    """
    from neurosim.train.begin import is_first

    chips = check_chips(hardware, None, None, {})
    base = _base(Path(model), dataset, epochs, settings or {})
    place, points = Path(out), list[Point]()
    for weight in weights:
        run = _trained(base.with_(energy_weight=float(weight)), place, tell)
        if not is_first():
            continue
        found = evaluate(run, base.data, chips, root=base.root, split=split, number=number,
                         fold=base.fold, form=base.form, weights=str(run / LAST))  # fmt: skip
        points.append(Point(float(weight), run, found))
        write_atomically(place / "front.csv", table(points))
    return points


def _base(
    model: Path, dataset: str, epochs: int | None, settings: Mapping[str, Any]
) -> TrainConfig:
    """What all points share."""
    if is_run(model):
        run = RunDir(model)
        base = run.config().with_(init=str(run.weights().resolve()))
    else:
        base = recipe_for(str(model), dataset)
    changes = dict(settings) | ({} if epochs is None else {"epochs": epochs})
    return base.with_(**changes)


def _trained(
    config: TrainConfig, place: Path, tell: Callable[[float, Mapping[str, Any]], object] | None
) -> Path:
    """The run's folder, trained to its end."""
    from neurosim.train import begin

    path = place / f"weight-{config.energy_weight:g}"

    def hear(told: Mapping[str, Any]) -> None:
        if tell is not None:
            tell(config.energy_weight, told)

    if not is_run(path):
        begin.train(config, path, tell=hear)
    elif RunDir(path).config() != config:
        raise TrainError(
            f"{path}: was trained with other settings; give another folder for this front"
        )
    elif len(RunDir(path).metrics()) < config.epochs:
        begin.resume(path, hear)
    return path


def table(points: Sequence[Point]) -> bytes:
    """front.csv."""
    text = io.StringIO()
    rows = [point.row() for point in points]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def picture(points: Sequence[Point], chip: str) -> EnergyFront:
    """What ``plots.draw_front`` takes, on one chip."""
    from neurosim.plots.front import EnergyPoint
    from neurosim.plots.front import energy_front as front
    from neurosim.plots.span import Span

    return front(
        EnergyPoint(
            f"λ = {p.energy_weight:g}",
            Span(p.evaluation.top1.mean, p.evaluation.top1.low, p.evaluation.top1.high),
            Span(joules.mean, joules.low, joules.high),
        )
        for p in points
        for joules in [p.evaluation.joules_per_video[chip]]
    )
