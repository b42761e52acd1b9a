"""``neurosim plot SOURCE``: firing rates as pictures, and the numbers of each as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from neurosim.cli import options
from neurosim.ir.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurosim.energy.report import EnergyReport
    from neurosim.hardware.schema import Profile
    from neurosim.plots.classes import ClassRates
    from neurosim.plots.table import Table

ALL = "all"
DEFAULT = "cmos_45nm_memory"  # the chip whose prices have the widest ranges
PRICED = ("joules", "sensitivity")
FORMATS = ("png", "svg", "pdf")
TRAINING = ("training", "confusion")  # what folders of training runs and evaluations alone have
RECORD = "its spikes were not recorded; make it with neurosim estimate MODEL --record spikes --out"
Source = Annotated[
    str,
    typer.Argument(
        help="Folder of a training run or saved run, run.npz, a file of rates, or a model with "
        "published rates.",
        metavar="SOURCE",
        show_default=False,
    ),
]
What = Annotated[
    str,
    typer.Option(
        help="rates, steps, classes, silent, raster, training, confusion, joules, sensitivity, or "
        "all that it can give."
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(help="Layer of the raster. Default: the first recorded.", show_default=False),
]
Sample = Annotated[int, typer.Option(help="Clip of the raster, from 0.")]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="Class of each clip of the run: a JSON list, or one a line.", show_default=False
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for the pictures and their .csv files.")]
Format = Annotated[str, typer.Option("--format", help="png (300 dpi), svg or pdf.")]


@dataclass(frozen=True)
class Kept:
    """What else a folder holds: rows of a training's metrics, an evaluation's document."""

    metrics: tuple[Mapping[str, float], ...] = ()
    evaluation: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Asked:
    """What the pictures are made from."""

    data: Run | Mapping[str, Any]
    layer: str | None = None
    sample: int = 0
    labels: tuple[int | str, ...] | None = None
    kept: Kept | None = None
    chips: tuple[Profile, ...] = ()

    @property
    def run(self) -> Run:
        """The run; asked for where ``why_not`` found one."""
        if not isinstance(self.data, Run):
            raise TypeError("rates alone are no run")
        return self.data


@dataclass(frozen=True)
class Picture:
    """A picture and its numbers."""

    table: Table
    drawn: Figure | Axes


def plot(
    source: Source,
    what: What = ALL,
    layer: Layer = None,
    sample: Sample = 0,
    labels: Labels = None,
    out: Out = Path("plots"),
    format: Format = "png",
    json: options.Json = False,
    hardware: options.Hardware = None,
) -> None:
    """Firing rates by depth, step and class, silent neurons, rasters; joules and their prices."""
    from neurosim.cli.output import staged
    from neurosim.cli.progress import stages
    from neurosim.studies.estimate import check_chips

    _check(what, format)
    chips = check_chips(hardware or [DEFAULT], None, None, {})
    given = read_labels(labels) if labels else None
    asked = Asked(read_source(source), layer, sample, given, read_kept(Path(source)), chips)
    wanted, left_out = chosen(asked, what)
    made: dict[str, Picture] = {}
    with staged(out) as folder, stages(wanted) as tell:
        for name in wanted:
            tell(name)
            made[name] = PICTURES[name](asked)
            _keep(made[name], folder.staging, name, format)
    files = [str(out / f"{name}.{ending}") for name in made for ending in (format, "csv")]
    _print(source, asked, made, files, left_out, json)


def _check(what: str, format: str) -> None:
    if what != ALL and what not in PICTURES:
        raise options.UsageError(f"--what {what}: choose {', '.join(PICTURES)} or {ALL}")
    if format not in FORMATS:
        raise options.UsageError(f"--format {format}: choose {', '.join(FORMATS)}")


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
    """Of a training run's or an evaluation's folder; of others nothing. Raises StoreError."""
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
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); evaluate the run again") from None
    return Kept(rows)


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


def chosen(asked: Asked, what: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The pictures to draw, and why each of the others cannot be.

    Raises PlotError: the one that was asked for by name cannot.
    """
    from neurosim.plots.style import PlotError

    lacking = {name: why_not(asked, name) for name in PICTURES}
    if what == ALL:
        left_out = {name: why for name, why in lacking.items() if why}
        drawn = tuple(n for n in PICTURES if n not in left_out)
        trained = asked.kept not in (None, Kept())
        return drawn, {n: why for n, why in left_out.items() if trained or n not in TRAINING}
    if why := lacking[what]:
        raise PlotError(f"--what {what}: {why}")
    return (what,), {}


def why_not(asked: Asked, name: str) -> str:
    """What the source lacks for a picture, and how to get it; "" where it lacks nothing."""
    from neurosim.plots.activity import has_trace, spiking

    kept = asked.kept or Kept()
    if name == "training":
        return "" if kept.metrics else "no metrics.csv; give the folder of a training run"
    if name == "confusion":
        return "" if kept.evaluation else "no evaluation; run neurosim evaluate RUN_DIR first"
    if name == "rates" or name == "classes" and kept.evaluation:
        return ""
    if not isinstance(asked.data, Run):
        return "rates alone hold no clips; give a saved run"
    if name in PRICED:
        return _unpriced(asked, name)
    if not spiking(asked.data):
        return "the run has no layer of spiking neurons"
    if name == "steps":
        return "" if asked.run.counts.shape[1] > 1 else "the run has a single time step"
    if name == "classes":
        return "" if asked.labels is not None else "no classes are known; give --labels FILE"
    return "" if has_trace(asked.data) else f"{RECORD} DIR"


def _unpriced(asked: Asked, name: str) -> str:
    """Why the chips cannot price the run, or, of its sensitivity, why no price moves the total."""
    from neurosim.energy.sensitivity import sensitivity
    from neurosim.errors import UnpricedEvents

    try:
        reports = _reports(asked)
    except UnpricedEvents as error:
        return str(error)
    first = next(iter(reports.values()))
    if name == "joules" or sensitivity(first).swings:
        return ""
    return f"no price that {first.profile.name} billed has a range; try --hardware {DEFAULT}"


def _reports(asked: Asked) -> dict[str, EnergyReport]:
    """Of the run on the chips; placed where the saved run has its graph."""
    from neurosim.studies.estimate import place_all, price_all

    graph = asked.run.graph
    placed, unplaced = ({}, {}) if graph is None else place_all(graph, asked.chips)
    return price_all(asked.run, asked.chips, placed=placed, unplaced=unplaced)


def _joules(asked: Asked) -> Picture:
    from neurosim.plots.joules import draw_joules, joule_table
    from neurosim.studies.three import three

    table = joule_table(three(asked.run, _reports(asked)))
    return Picture(table, draw_joules(table))


def _sensitivity(asked: Asked) -> Picture:
    from neurosim.energy.sensitivity import sensitivity
    from neurosim.plots.tornado import draw_tornado

    table = sensitivity(next(iter(_reports(asked).values())))
    return Picture(table, draw_tornado(table))


def _rates(asked: Asked) -> Picture:
    from neurosim.plots.overview import firing_rates
    from neurosim.plots.rates import rate_table

    table = rate_table(asked.data)
    return Picture(table, firing_rates(table))


def _steps(asked: Asked) -> Picture:
    from neurosim.plots.steps import draw_step_rates, step_rates

    table = step_rates(asked.run)
    return Picture(table, draw_step_rates(table))


def _classes(asked: Asked) -> Picture:
    from neurosim.plots.classes import class_rates, draw_class_rates

    if asked.kept and asked.kept.evaluation and asked.labels is None:
        table = _class_table(asked.kept.evaluation["class_rates"])
    else:
        table = class_rates(asked.run, asked.labels or ())
    return Picture(table, draw_class_rates(table))


def _class_table(held: Mapping[str, Any]) -> ClassRates:
    from neurosim.plots.classes import ClassRates

    return ClassRates(
        tuple(held["classes"]),
        tuple(held["clips"]),
        tuple(held["nodes"]),
        np.array(held["spikes"]),
        np.array(held["neuron_steps"]),
    )


def _training(asked: Asked) -> Picture:
    from neurosim.plots.training import TrainingCurves, training_curves

    rows = asked.kept.metrics if asked.kept else ()

    def column(name: str) -> list[float]:
        return [row.get(name, float("nan")) for row in rows]

    table = TrainingCurves(
        {"training": column("loss"), "validation": column("validation_loss")},
        {"training": column("train_top1"), "validation": column("top1")},
    )
    return Picture(table, training_curves(table))


def _confusion(asked: Asked) -> Picture:
    from neurosim.plots.confusion import Confusion, draw_confusion

    held = (asked.kept and asked.kept.evaluation) or {}
    names = tuple(row["class"] for row in held["per_class"])
    table = Confusion(names, np.array(held["confusion"]))
    return Picture(table, draw_confusion(table))


def _silent(asked: Asked) -> Picture:
    from neurosim.plots.silent import draw_silent, silent_neurons

    table = silent_neurons(asked.run)
    return Picture(table, draw_silent(table))


def _raster(asked: Asked) -> Picture:
    from neurosim.plots.activity import recorded_layers
    from neurosim.plots.raster import draw_raster, spike_raster

    first = next(iter(recorded_layers(asked.run)))
    table = spike_raster(asked.run, asked.layer or first, asked.sample)
    return Picture(table, draw_raster(table))


PICTURES: dict[str, Callable[[Asked], Picture]] = {
    "rates": _rates,
    "steps": _steps,
    "classes": _classes,
    "silent": _silent,
    "raster": _raster,
    "training": _training,
    "confusion": _confusion,
    "joules": _joules,
    "sensitivity": _sensitivity,
}


def _keep(picture: Picture, folder: Path, name: str, format: str) -> None:
    from neurosim.plots.style import save
    from neurosim.plots.table import save_csv

    save(picture.drawn, folder / f"{name}.{format}")
    save_csv(picture.table, folder / f"{name}.csv")


def _print(
    source: str, asked: Asked, made: Mapping[str, Picture], files: list[str],
    left_out: Mapping[str, str], json: bool,
) -> None:  # fmt: skip
    """The figures of the rates, the files, and what could not be drawn; spikes one by one are in
    raster.csv alone."""
    from neurosim.cli.show import print_json
    from neurosim.plots.rates import rate_table
    from neurosim.plots.table import records

    found = rate_table(asked.data).summary()
    if not json:
        for line in _lines(source, found, files, left_out):
            typer.echo(line)
        return
    tables = {n: records(p.table) for n, p in made.items() if n != "raster"}
    document = {"source": source, **found, "tables": tables, "files": files}
    print_json({**document, "left_out": dict(left_out)})


def _lines(
    source: str, found: Mapping[str, Any], files: list[str], left_out: Mapping[str, str]
) -> list[str]:
    of_neurons = found["mean_rate_of_neurons"]
    weighed = "" if of_neurons is None else f", {of_neurons:.2%} of neurons"
    lines = [
        f"source      {source} ({found['data']})",
        f"layers      {found['layers']}",
        f"rate        mean {found['mean_rate']:.2%} of layers{weighed}; "
        f"{found['rate_low']:.2%} to {found['rate_high']:.2%}",
    ]
    if found["mean_tau_steps"] is not None:
        low, high = found["tau_low"], found["tau_high"]
        lines.append(
            f"membrane τ  mean {found['mean_tau_steps']:.2f} steps; {low:.2f} to {high:.2f}"
        )
    lines += [f"wrote       {file}" for file in files]
    return lines + [f"left out    {name}: {why}" for name, why in left_out.items()]
