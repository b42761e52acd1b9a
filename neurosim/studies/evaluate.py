"""Accuracy and energy of a model on a data set, from the same forwards."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.energy.report import EnergyReport
from neurosim.errors import ClipError
from neurosim.hardware.convention import Convention
from neurosim.ir.graph import Graph
from neurosim.ir.manifest import Manifest
from neurosim.ir.run import Run
from neurosim.ir.store import write_atomically
from neurosim.studies.bootstrap import Interval, interval
from neurosim.studies.estimate import Axes, Chip, check_chips, graph_of, price_all
from neurosim.studies.not_placed import not_placed
from neurosim.studies.shard import Pricing, Share, Video, evaluate_share

if TYPE_CHECKING:
    from torch import nn

    from neurosim.data.recipe import Recipe
    from neurosim.data.sets import VideoSet, Views
    from neurosim.models._source import Source
    from neurosim.plots.classes import ClassRates

Tell = Callable[[int, int], object]  # videos done, of how many


@dataclass(frozen=True, eq=False)
class Evaluation:
    """``videos``: totals of each. ``run``: counts summed over all views. ``reports``: chip → report
    of that run, which knows layers and events."""

    videos: tuple[Video, ...]
    classes: tuple[str, ...]
    views: Views
    run: Run
    reports: Mapping[str, EnergyReport]
    data: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())
    before: Evaluation | None = (
        None  # the model as it came, where a chip's arithmetic was asked for
    )

    @property
    def not_placed(self) -> dict[str, str]:
        """Chip with cores → what its figures leave out, since no evaluation is placed."""
        return not_placed(report.profile for report in self.reports.values())

    @cached_property
    def top1(self) -> Interval:
        """Share of videos whose class scores highest."""
        return interval(np.array([v.prediction == v.label for v in self.videos]))

    @cached_property
    def top5(self) -> Interval:
        """Share of videos whose class is among the five that score highest."""
        return interval(np.array([v.rank < 5 for v in self.videos]))

    @cached_property
    def synaptic_operations(self) -> Interval:
        """Per video, over its views."""
        return interval(np.array([v.synaptic_operations for v in self.videos]))

    @cached_property
    def firing_rate(self) -> Interval:
        """Spikes per neuron and step."""
        return interval(np.array([v.firing_rate for v in self.videos]))

    @cached_property
    def joules_per_video(self) -> dict[str, Interval]:
        """Chip → joules of all views of a video."""
        return {
            chip: interval(np.array([v.joules[chip] for v in self.videos])) for chip in self.reports
        }

    @property
    def joules_per_view(self) -> dict[str, float]:
        """Chip → joules of one forward of one clip."""
        return {k: v.mean / self.views.count for k, v in self.joules_per_video.items()}

    @cached_property
    def confusion(self) -> np.ndarray:
        """(classes, classes) int64: rows are the true classes."""
        found = np.zeros((len(self.classes),) * 2, np.int64)
        np.add.at(found, ([v.label for v in self.videos], [v.prediction for v in self.videos]), 1)
        return found

    def per_class(self) -> list[dict[str, Any]]:
        """A row a class: videos, top-1, firing rate, SynOps and joules per video on each chip."""
        return [
            _class_row(name, [v for v in self.videos if v.label == label])
            for label, name in enumerate(self.classes)
        ]

    def class_rates(self) -> ClassRates:
        """Spikes by class and layer, exact; what ``plots.draw_class_rates`` takes."""
        from neurosim.plots.classes import ClassRates

        groups = [[v for v in self.videos if v.label == k] for k in range(len(self.classes))]
        held = [(name, group) for name, group in zip(self.classes, groups, strict=True) if group]
        nodes = tuple(self.videos[0].layer_spikes)
        steps = np.array([self.run.facts[n].neurons * self.run.steps for n in nodes], np.int64)
        return ClassRates(
            tuple(name for name, _ in held),
            tuple(len(group) for _, group in held),
            nodes,
            np.array([[sum(v.layer_spikes[n] for v in g) for n in nodes] for _, g in held]),
            np.stack([steps * len(g) * self.views.count for _, g in held]),
        )

    def rows(self) -> list[dict[str, Any]]:
        """A row a video, as ``videos.csv``."""
        return [
            {
                "video": v.key,
                "label": self.classes[v.label],
                "prediction": self.classes[v.prediction],
                "rank": v.rank,
                "synaptic_operations": v.synaptic_operations,
                "firing_rate": v.firing_rate,
                **{f"joules_{chip}": j for chip, j in v.joules.items()},
            }
            for v in self.videos
        ]

    def layer_rates(self) -> dict[str, float]:
        """Neuron node → spikes per neuron and step over all views."""
        return self.run.firing_rates()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as ``neurosim evaluate --json`` prints it."""
        return {
            "model": self.run.manifest.model,
            "data": dict(self.data),
            "videos": len(self.videos),
            "views": {"clips": self.views.clips, "crops": self.views.crops},
            "top1": self.top1.to_dict(),
            "top5": self.top5.to_dict(),
            "firing_rate": self.firing_rate.to_dict(),
            "synaptic_operations_per_video": self.synaptic_operations.to_dict(),
            "joules_per_video": {k: v.to_dict() for k, v in self.joules_per_video.items()},
            "joules_per_view": self.joules_per_view,
            "spread": {k: _spread([v.joules[k] for v in self.videos]) for k in self.reports},
            "per_class": self.per_class(),
            "confusion": self.confusion.tolist(),
            "class_rates": _plain(self.class_rates()),
            "firing_rates": self.layer_rates(),
            "reports": {k: r.to_dict() for k, r in self.reports.items()},
            "manifest": self.run.manifest.to_dict(),
            "notes": list(self.notes),
            "not_placed": self.not_placed,
            **({} if self.before is None else {"before": self.before.accuracy()}),
        }

    def accuracy(self) -> dict[str, Any]:
        """What a change of the arithmetic moves, JSON-ready."""
        return {
            "top1": self.top1.to_dict(),
            "top5": self.top5.to_dict(),
            "firing_rate": self.firing_rate.to_dict(),
            "synaptic_operations_per_video": self.synaptic_operations.to_dict(),
        }

    def save(self, folder: str | Path) -> Path:
        """evaluation.json, videos.csv, classes.csv, confusion.csv, run.npz. Raises StoreError."""
        place = Path(folder)
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False)
        write_atomically(place / "evaluation.json", (text + "\n").encode())
        write_atomically(place / "videos.csv", _csv(self.rows()))
        write_atomically(place / "classes.csv", _csv(self.per_class()))
        named = [
            {"true": name, **dict(zip(self.classes, row, strict=True))}
            for name, row in zip(self.classes, self.confusion.tolist(), strict=True)
        ]
        write_atomically(place / "confusion.csv", _csv(named))
        self.run.save(place / "run.npz")
        return place


def evaluate(
    model: str | Path | nn.Module,
    dataset: str | VideoSet,
    hardware: Iterable[Chip] | Chip = ("cmos_45nm",),
    convention: str | Convention | None = None,
    host: Chip | None = None,
    *,
    weights: str | None = None,
    root: str | Path | None = None,
    split: str = "test",
    fold: int | str | None = None,
    form: str | None = None,
    number: int | None = None,
    skip_bad: bool = False,
    views: Views | None = None,
    batch_size: int = 16,
    engine: str = "auto",
    workers: int = 1,
    scheduler: str | None = None,
    axes: Axes = (0, 1),
    quantize: str | None = None,
    average_bn: bool = False,
    tell: Tell | None = None,
    **count_overrides: Any,
) -> Evaluation:
    """Run every view of every video once: accuracy, firing rates, SynOps and joules of each chip.

    ``model``: a module, or what the command line takes (zoo name, run directory, file.py:function).
    ``dataset``: a set, or its name with ``root``, ``split``, ``fold``, ``form``, ``number``,
    ``skip_bad`` as ``data.sets.open`` takes them. ``views``: 1 × 1; energy per video is that of all
    its views. ``workers``: more than one, or a ``scheduler``'s address: shares run on Dask.
    ``quantize``: in the fixed point of that chip; ``average_bn``: with one norm instead of one per
    step. With either, the model as it came is run on the same videos too: ``Evaluation.before``.

    Raises NeurosimError: whatever is wrong with model, data or chips; chips are looked at first.
    """
    from neurosim.data.sets import Views

    chips = check_chips(hardware, convention, host, count_overrides)
    views = views or Views()
    source = source_of(model, weights)
    asked = (root, split, fold, form, number, skip_bad)
    videos = open_set(dataset, source.recipe, *asked)
    graph, manifest = captured(source, videos, axes)
    graphs = _graphs(graph, quantize, average_bn)
    pricing = Pricing(chips, convention, host, count_overrides)  # type: ignore[arg-type]
    settings = {"views": views, "batch_size": batch_size, "engine": engine, "axes": axes}

    def measured(lowered: Graph, done: int) -> Evaluation:
        heard = _after(tell, done * len(videos), len(graphs) * len(videos))
        share = _shares(lowered, videos, pricing, settings, workers, scheduler, heard)
        return _evaluation(share, videos, views, pricing, manifest)

    *before, found = (measured(lowered, done) for done, lowered in enumerate(graphs))
    return replace(found, before=before[0]) if before else found


def _graphs(graph: Graph, quantize: str | None, average_bn: bool) -> list[Graph]:
    """The lowered graph; then, where asked for, as a chip would run it."""
    from neurosim.passes import lower
    from neurosim.studies.fixed_point import on_chip

    changed = [on_chip(graph, quantize, average_bn)] if quantize or average_bn else []
    return [lower(graph), *changed]


def _after(tell: Tell | None, done: int, total: int) -> Tell | None:
    """Tell of videos as a part of all that are to be run."""
    return None if tell is None else lambda number, _: tell(done + number, total)


def source_of(model: str | Path | nn.Module, weights: str | None) -> Source:
    """The model with its recipe. Raises UnknownName, ModelError."""
    from neurosim.models._source import Source, resolve

    if isinstance(model, (str, Path)):
        return resolve(str(model), weights)
    recipe = getattr(model, "recipe", None)
    return Source(type(model).__name__, model.eval(), recipe, None, "unknown")


def open_set(
    dataset: str | VideoSet,
    recipe: Recipe | None,
    root: str | Path | None,
    split: str,
    fold: int | str | None,
    form: str | None,
    number: int | None,
    skip_bad: bool,
) -> VideoSet:
    """The set, cut as the model takes its clips. Raises ClipError: nothing in it."""
    from neurosim.data import sets

    if isinstance(dataset, str):
        dataset = sets.open(
            dataset, root, split,
            recipe=recipe, fold=fold, form=form, number=number, skip_bad=skip_bad,
        )  # fmt: skip
    if not len(dataset):
        raise ClipError(f"data set {dataset.name!r}: split {dataset.split!r} is empty; check it")
    return dataset


def captured(source: Source, videos: VideoSet, axes: Axes) -> tuple[Graph, Manifest]:
    """The graph before lowering (noise in weights comes between), and what is known so far."""
    from neurosim.studies.estimate import arranged

    clip = arranged(videos.view(0)[:, None], axes)
    graph = graph_of(source.model, clip, videos.kind, name=source.name, lowered=False, axes=axes)
    base = Manifest(
        model=source.name, weights=source.weights, card=source.facts(), clip={"data": videos.info()}
    )
    return graph, base


def _shares(
    graph: Graph,
    videos: VideoSet,
    pricing: Pricing,
    settings: Mapping[str, Any],
    workers: int,
    scheduler: str | None,
    tell: Tell | None,
) -> Share:
    """All videos: here, or shared out on Dask."""
    indices = range(len(videos))
    if workers > 1 or scheduler:
        from neurosim.studies.cluster import evaluate_on

        return evaluate_on(graph, videos, pricing, settings, workers, scheduler, tell)
    done = 0

    def hear(number: int) -> None:
        nonlocal done
        done += number
        if tell is not None:
            tell(done, len(indices))

    return evaluate_share(graph, videos, indices, pricing, tell=hear, **settings)


def _evaluation(
    share: Share, videos: VideoSet, views: Views, pricing: Pricing, base: Manifest
) -> Evaluation:
    assert share.run is not None
    made = share.run.manifest
    manifest = base.with_(
        pipeline=made.pipeline,
        engine=made.engine,
        engine_by_node=made.engine_by_node,
        binned=f"{share.samples} samples summed",
    )
    run = Run(share.counts(), share.run.facts, manifest, graph=share.run.graph)
    counts = {**pricing.counts, "views": views.count}
    reports = price_all(run, pricing.chips, pricing.convention, pricing.host, counts)
    return Evaluation(
        tuple(share.videos), videos.classes, views, run, reports, videos.info(), _notes(videos)
    )


def _plain(table: ClassRates) -> dict[str, Any]:
    """The fields, JSON-ready."""
    return {
        "classes": table.classes,
        "clips": table.clips,
        "nodes": table.nodes,
        "spikes": table.spikes.tolist(),
        "neuron_steps": table.neuron_steps.tolist(),
    }


def _notes(videos: VideoSet) -> tuple[str, ...]:
    bad = videos.skipped
    return (f"{len(bad)} items skipped: {', '.join(b.key for b in bad[:5])}",) if bad else ()


def _class_row(name: str, videos: Sequence[Video]) -> dict[str, Any]:
    row: dict[str, Any] = {"class": name, "videos": len(videos)}
    if videos:
        row["top1"] = float(np.mean([v.prediction == v.label for v in videos]))
        row["firing_rate"] = float(np.mean([v.firing_rate for v in videos]))
        row["synaptic_operations"] = float(np.mean([v.synaptic_operations for v in videos]))
        row |= {
            f"joules_{chip}": float(np.mean([v.joules[chip] for v in videos]))
            for chip in videos[0].joules
        }
    return row


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Of joules over the videos: standard deviation, least and most."""
    array = np.array(values)
    deviation = float(array.std(ddof=1)) if len(array) > 1 else 0.0
    return {"std": deviation, "min": float(array.min()), "max": float(array.max())}


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
