"""The kinds of picture of ``neurosim plot``: what each takes, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.cli.plot_source import Asked, Kept
from neurosim.ir.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neurosim.energy.report import EnergyReport
    from neurosim.plots.classes import ClassRates
    from neurosim.plots.table import Table

ALL = "all"
DEFAULT = "cmos_45nm_memory"  # the chip whose prices have the widest ranges
PRICED = ("joules", "sensitivity")
TRAINING = ("training", "confusion")  # what folders of training runs and evaluations alone have
RECORD = "its spikes were not recorded; make it with neurosim estimate MODEL --record spikes --out"


@dataclass(frozen=True)
class Picture:
    """A picture and its numbers."""

    table: Table
    drawn: Figure | Axes


def chosen(asked: Asked, what: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The pictures to draw, and why each of the others cannot be.

    Raises PlotError: the one that was asked for by name cannot.
    """
    from neurosim.plots.style import PlotError

    lacking = {name: why_not(asked, name) for name in PICTURES}
    if what == ALL:
        left_out = {name: why for name, why in lacking.items() if why}
        drawn = tuple(n for n in PICTURES if n not in left_out)
        trained = asked.kept and (asked.kept.metrics or asked.kept.evaluation)
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

    if name == "joules" and asked.energies:
        return ""
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
    from neurosim.studies.estimate import price_all
    from neurosim.studies.three import placed_or_why

    placed, unplaced = placed_or_why(asked.run.graph, asked.chips)
    return price_all(asked.run, asked.chips, placed=placed, unplaced=unplaced)


def _joules(asked: Asked) -> Picture:
    """Of the report that the folder keeps, placed as it was; on other chips, priced anew."""
    from neurosim.plots.joules import draw_joules, joule_table, kept_joules
    from neurosim.studies.three import three

    kept = asked.energies
    table = kept_joules(kept) if kept else joule_table(three(asked.run, _reports(asked)))
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
