"""Accuracy and energy under noise: every level × seed × chip, both measured again at each.

A task is (checkpoint hash, level, seed, shard); what it found is a file of its own in the sweep's
folder until all are there, so that an interrupted sweep goes on where it stopped and a killed
worker costs its task. The result is one tidy Parquet file:

    model, noise, kind, level, seed, measure, subject, value, videos

``measure`` "correct", "synaptic_operations", "firing_rate", "joules:<chip>": ``subject`` is a
video;
"layer_rate": it is a neuron node, the value its mean over ``videos`` videos.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from neurosim.data.noise import PROTOCOL, Noise
from neurosim.errors import ClipError, StoreError
from neurosim.hardware.convention import Convention
from neurosim.ir.store import write_atomically
from neurosim.studies.estimate import Axes, Chip, check_chips
from neurosim.studies.evaluate import captured, open_set, source_of
from neurosim.studies.not_placed import not_placed
from neurosim.studies.shard import CLEAN, Pricing, Share, Video

if TYPE_CHECKING:
    from torch import nn

    from neurosim.data.sets import VideoSet, Views
    from neurosim.plots.noise import NoiseSample
    from neurosim.studies.evaluate import Tell


COLUMNS = (
    "model", "noise", "kind", "level", "seed", "measure", "subject", "value", "videos",
)  # fmt: skip
RESULT = "sweep.parquet"


@dataclass(frozen=True)
class Task:
    """Shard ``number`` of one level and seed."""

    noise: Noise
    seed: int
    number: int
    videos: range

    def name(self, fingerprint: str) -> str:
        """File of what it found: another model, set, chip or view has another name."""
        text = json.dumps([fingerprint, str(self.noise), self.seed, list(self.videos)])
        return f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.parquet"


def sweep_noise(
    model: str | Path | nn.Module,
    dataset: str | VideoSet,
    levels: Iterable[Noise | str] = PROTOCOL,
    seeds: Sequence[int] = (0, 1, 2),
    hardware: Iterable[Chip] | Chip = ("cmos_45nm",),
    convention: str | Convention | None = None,
    host: Chip | None = None,
    *,
    out: str | Path | None = None,
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
    workers: int | None = None,
    scheduler: str | None = None,
    axes: Axes = (0, 1),
    tell: Tell | None = None,
    **count_overrides: Any,
) -> pd.DataFrame:
    """The tidy table of the module's docstring, with the clean level (seed 0) always in it.

    ``levels``: ``data.noise``; the noise of a video is the same for every model and chip.
    ``out``: a folder for the tasks' files and the result (None: nothing is kept). ``workers``:
    processes of a local Dask cluster (None: one a core; 1: here, without one); ``scheduler``: one
    that runs already.

    ``attrs["not_placed"]``: chip with cores → what its joules leave out.

    Raises NeurosimError: as ``evaluate``; ClipError: a noise that does not fit the kind of clip.
    """
    from neurosim.data.sets import Views

    chips = check_chips(hardware, convention, host, count_overrides)
    wanted = [CLEAN, *(n for n in map(_noise, levels) if n != CLEAN)]
    source = source_of(model, weights)
    asked = (root, split, fold, form, number, skip_bad)
    videos = open_set(dataset, source.recipe, *asked)
    _check_kinds(wanted, videos.kind)
    views = views or Views()
    graph, _ = captured(source, videos, axes)
    pricing = Pricing(chips, convention, host, count_overrides)  # type: ignore[arg-type]
    settings = {"views": views, "batch_size": batch_size, "engine": engine, "axes": axes}
    frame = _run(graph, videos, tasks(wanted, seeds, len(videos)), pricing, settings,
                 Path(out) if out is not None else None, workers, scheduler, tell)  # fmt: skip
    frame.attrs["not_placed"] = not_placed(chips)
    if out is not None:
        write_atomically(Path(out) / RESULT, frame.to_parquet(index=False))
    return frame


def tasks(levels: Sequence[Noise], seeds: Sequence[int], videos: int) -> list[Task]:
    """Clean once; a level without chance (rounding) once; every other once a seed."""
    from neurosim.studies.cluster import shards

    return [
        Task(noise, seed, k, part)
        for noise in levels
        for seed in (seeds if noise.kind not in ("clean", "bits") else seeds[:1])
        for k, part in enumerate(shards(videos))
    ]


def _run(
    graph: Any,
    videos: VideoSet,
    listed: Sequence[Task],
    pricing: Pricing,
    settings: Mapping[str, Any],
    out: Path | None,
    workers: int | None,
    scheduler: str | None,
    tell: Tell | None,
) -> pd.DataFrame:
    import os

    from neurosim.studies.cluster import packed, shares

    data = packed(graph)
    model = hashlib.sha256(data).hexdigest()[:16]
    fingerprint = _fingerprint(model, videos, pricing, settings)
    found = {task: _kept(out, task, fingerprint) for task in listed}
    todo = [task for task in listed if found[task] is None]
    total = sum(len(task.videos) for task in listed)
    done = total - sum(len(task.videos) for task in todo)
    calls = {t: (videos, t.videos, pricing, t.noise, t.seed, settings) for t in todo}
    for task, share in shares(data, calls, workers or os.cpu_count() or 1, scheduler):
        found[task] = table(share, task, model)
        _keep(out, task, fingerprint, cast("pd.DataFrame", found[task]))
        done += len(task.videos)
        if tell is not None:
            tell(done, total)
    return pd.concat([cast("pd.DataFrame", found[task]) for task in listed], ignore_index=True)


def table(share: Share, task: Task, model: str) -> pd.DataFrame:
    """What a task found, in the columns of the result."""
    rows = [(*row, 1) for video in share.videos for row in _video_rows(video)]
    nodes = share.videos[0].layer_rates if share.videos else {}
    for node in nodes:
        rate = float(np.mean([video.layer_rates[node] for video in share.videos]))
        rows.append(("layer_rate", node, rate, len(share.videos)))
    return pd.DataFrame(
        [
            (model, str(task.noise), task.noise.kind, task.noise.level, task.seed, *row)
            for row in rows
        ],
        columns=list(COLUMNS),
    )


def _video_rows(video: Video) -> list[tuple[str, str, float]]:
    return [
        ("correct", video.key, float(video.prediction == video.label)),
        ("synaptic_operations", video.key, float(video.synaptic_operations)),
        ("firing_rate", video.key, video.firing_rate),
        *((f"joules:{chip}", video.key, joules) for chip, joules in video.joules.items()),
    ]


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a level and seed: accuracy, SynOps, rate and joules per video, and against clean:
    accuracy retained (NaN where no clean clip was right), energy ratio, rate shift."""
    table: Any = frame
    means = table[table["measure"] != "layer_rate"].pivot_table(
        index=["noise", "kind", "level", "seed"], columns="measure", values="value",
        aggfunc="mean", sort=False,
    ).reset_index()  # fmt: skip
    clean = means[means["kind"] == "clean"].iloc[0]
    found = means[["noise", "kind", "level", "seed"]].copy()
    found["accuracy"] = means["correct"]
    found["accuracy_retained"] = means["correct"] / (clean["correct"] or np.nan)
    for name in ("synaptic_operations", "firing_rate"):
        found[name] = means[name]
    for column in [c for c in means.columns if str(c).startswith("joules:")]:
        chip = str(column).removeprefix("joules:")
        found[f"joules_{chip}"] = means[column]
        found[f"energy_ratio_{chip}"] = means[column] / clean[column]
    found["rate_shift"] = means["firing_rate"] - clean["firing_rate"]
    return found


def layer_shifts(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a level and neuron node: mean rate over seeds and videos, and its shift from clean."""
    table: Any = frame
    rates = table[table["measure"] == "layer_rate"].rename(columns={"subject": "node"})
    summed = rates.assign(value=rates["value"] * rates["videos"]).groupby(
        ["noise", "kind", "level", "node"], sort=False
    )[["value", "videos"]].sum()  # fmt: skip
    means = summed["value"] / summed["videos"]
    found = means.reset_index(name="rate")
    clean = found[found["kind"] == "clean"].set_index("node")["rate"]
    found["shift"] = found["rate"] - found["node"].map(clean)
    return found


def area_under_accuracy(frame: pd.DataFrame) -> dict[str, float]:
    """Kind → mean accuracy over its range of levels (trapezoids, from clean at level 0)."""
    rows: Any = summary(frame)
    clean = float(rows[rows["kind"] == "clean"]["accuracy"].iloc[0])
    areas: dict[str, float] = {}
    for kind, part in rows[rows["kind"] != "clean"].groupby("kind", sort=False):
        means = part.groupby("level")["accuracy"].mean().sort_index()
        starts_clean = kind != "bits"  # fewer bits are more noise: no level 0 there
        x = np.array(([0.0] if starts_clean else []) + list(means.index), np.float64)
        y = np.array(([clean] if starts_clean else []) + list(means), np.float64)
        wide = len(x) > 1 and x[-1] > x[0]
        areas[str(kind)] = float(np.trapezoid(y, x) / (x[-1] - x[0])) if wide else float(y.mean())
    return areas


def _noise(given: Noise | str) -> Noise:
    return given if isinstance(given, Noise) else Noise.parse(given)


def _check_kinds(levels: Sequence[Noise], kind: str) -> None:
    for noise in levels:
        if noise.where == "clip" and noise != CLEAN and kind not in noise.kinds:
            raise ClipError(
                f"noise '{noise}' is for {' and '.join(noise.kinds)} clips, these are {kind}; "
                "leave it out, or give the other form of the data set"
            )


def _fingerprint(
    model: str, videos: VideoSet, pricing: Pricing, settings: Mapping[str, Any]
) -> str:
    """Of everything besides the task that decides what it finds."""
    rules = [repr(chip) for chip in pricing.chips], repr(pricing.convention), repr(pricing.host)
    text = json.dumps([model, videos.info(), rules, repr(sorted(pricing.counts.items())),
                       repr(settings["views"]), repr(settings["axes"])])  # fmt: skip
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(out: Path | None, task: Task, fingerprint: str) -> pd.DataFrame | None:
    """What an earlier sweep found for the task."""
    if out is None or not (path := out / "tasks" / task.name(fingerprint)).is_file():
        return None
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):
        return None


def _keep(out: Path | None, task: Task, fingerprint: str, frame: pd.DataFrame) -> None:
    if out is not None:
        write_atomically(out / "tasks" / task.name(fingerprint), frame.to_parquet(index=False))


def read_sweep(path: str | Path) -> pd.DataFrame:
    """The table of a finished sweep: its folder or file. Raises StoreError."""
    place = Path(path)
    place = place / RESULT if place.is_dir() else place
    try:
        frame = pd.read_parquet(place)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{place}: no finished sweep ({' '.join(str(error).split())[:120]}); "
            "run neurosim sweep noise with --out, to its end"
        ) from None
    missing = [c for c in COLUMNS if c not in frame.columns]
    if missing:
        raise StoreError(f"{place}: lacks the column {missing[0]}; give a file of sweep noise")
    return frame


def chips(frame: pd.DataFrame) -> list[str]:
    """Profiles that the sweep priced, in order."""
    named: Any = cast(Any, frame)["measure"].drop_duplicates()
    return [m.removeprefix("joules:") for m in named if m.startswith("joules:")]


def by_level(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """``summary`` with the seeds of a level averaged; ``seeds`` says how many; None for NaN."""
    rows: Any = summary(frame)
    groups = rows.groupby(["noise", "kind", "level"], sort=False)
    found = groups.mean(numeric_only=True).drop(columns="seed")
    found.insert(0, "seeds", groups.size())
    records = found.reset_index().to_dict("records")
    return [{k: None if v != v else v for k, v in record.items()} for record in records]


def samples(frame: pd.DataFrame, chip: str) -> list[NoiseSample]:
    """What ``plots.noise_table`` takes: a level and seed each; clean belongs to every kind."""
    from neurosim.plots.noise import NoiseSample

    rows: Any = summary(frame)
    kinds = [k for k in rows["kind"].drop_duplicates() if k not in ("clean", "bits")]
    found: list[NoiseSample] = []
    for row in rows.to_dict("records"):
        for kind in kinds if row["kind"] == "clean" else [row["kind"]]:
            found.append(
                NoiseSample(kind, row["level"], row["seed"], row["accuracy"], row[f"joules_{chip}"])
            )
    return found
