"""``neurosim evaluate RUN_DIR``: accuracy and mJ per video, from the same forwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import options

if TYPE_CHECKING:
    from neurosim.data.sets import Views
    from neurosim.studies.evaluate import Evaluation

Model = Annotated[
    str,
    typer.Argument(
        help="Folder of a training run, zoo name, package.module:function or file.py:function.",
        metavar="MODEL",
        show_default=False,
    ),
]
Split = Annotated[str, typer.Option(help="Split of the data set.")]
Fold = Annotated[str | None, options.maybe(help="1, 2, 3 (UCF101, HMDB51); xsub, xview (NTU).")]
Form = Annotated[str | None, options.maybe(help="video or events (motion); aedat or preprocessed.")]
Number = Annotated[int | None, options.maybe(help="The first so many videos.")]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave damaged items out, and record which.")
]
ViewsText = Annotated[
    str, typer.Option(metavar="CLIPSxCROPS", help="Views of a video, such as 5x3.")
]
Workers = Annotated[int, typer.Option(help="Processes; above 1 on a local Dask cluster.")]
Scheduler = Annotated[str | None, options.maybe(help="Address of a Dask scheduler.")]
Batch = Annotated[int, typer.Option("--batch-size", help="Views a forward.")]
Quantize = Annotated[
    str | None,
    options.maybe(
        help="Chip (loihi1, loihi2) in whose fixed point to run it; accuracy before and after."
    ),
]
AverageBN = Annotated[
    bool,
    typer.Option(
        "--average-bn",
        help="One norm from the mean statistics of norms per step; before and after.",
    ),
]
Out = Annotated[
    Path | None,
    options.maybe(
        help="Folder for evaluation.json, videos.csv, classes.csv, confusion.csv and run.npz. "
        "Default: evaluation in the run's folder."
    ),
]


def evaluate(
    model: Model,
    data: options.Data = "motion",
    root: options.Root = None,
    split: Split = "test",
    fold: Fold = None,
    form: Form = None,
    number: Number = None,
    skip_bad: SkipBad = False,
    views: ViewsText = "1x1",
    hardware: options.Hardware = None,
    convention: options.ConventionName = None,
    count: options.Count = None,
    host: options.Host = None,
    weights: options.Weights = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    batch_size: Batch = 16,
    quantize: Quantize = None,
    average_bn: AverageBN = False,
    out: Out = None,
    json: options.Json = False,
) -> None:
    """Accuracy, firing rates, SynOps and mJ per video on each chip, with 95 % intervals."""
    from neurosim.cli.progress import counted, quiet_stdout
    from neurosim.studies.evaluate import evaluate as study

    check_number("--number", number)
    check_number("--workers", workers)
    check_number("--batch-size", batch_size)
    overrides: dict[str, Any] = dict(options.counts(count))
    with quiet_stdout(), counted("evaluating videos") as tell:
        found = study(
            model, data, hardware or ["cmos_45nm"], convention, host,
            weights=weights, root=root, split=split, fold=fold_of(fold), form=form, number=number,
            skip_bad=skip_bad, views=views_of(views), workers=workers, scheduler=scheduler,
            batch_size=batch_size, quantize=quantize, average_bn=average_bn, tell=tell,
            **overrides,
        )  # fmt: skip
        place = out or default_out(model, "evaluation")
        if place is not None:
            found.save(place)
    _print(found, place, json)


def default_out(model: str, name: str) -> Path | None:
    """A folder inside a training run's; None for other models."""
    from neurosim.train.run_dir import is_run

    return Path(model) / name if is_run(Path(model)) else None


def views_of(text: str) -> Views:
    """``"5x3"`` → 5 clips × 3 crops. Raises UsageError."""
    from neurosim.data.sets import Views

    clips, _, crops = text.lower().partition("x")
    if not (clips.isdecimal() and crops.isdecimal() and int(clips) and int(crops)):
        raise options.UsageError(f"--views {text}: expects CLIPSxCROPS; such as --views 5x3")
    return Views(int(clips), int(crops))


def fold_of(text: str | None) -> int | str | None:
    """A number where it is one."""
    return int(text) if text is not None and text.isdecimal() else text


def check_number(option: str, value: int | None) -> None:
    """Raise UsageError for less than 1."""
    if value is not None and value < 1:
        raise options.UsageError(f"{option} {value}: give at least 1")


def _print(found: Evaluation, place: Path | None, json: bool) -> None:
    from neurosim.cli import show

    if json:
        show.print_json(found.to_dict())
        return
    for line in _facts(found):
        typer.echo(line)
    typer.echo("")
    show.print_table(*_energy(found))
    show.print_not_placed(found.not_placed)
    typer.echo("")
    show.print_table(*_classes(found))
    for note in found.notes:
        typer.echo(f"note     {note}")
    if place is not None:
        typer.echo(
            f"\nkept     {place}/: evaluation.json, videos.csv, classes.csv, confusion.csv, run.npz"
        )


def _facts(e: Evaluation) -> list[str]:
    d, v = e.data, e.views
    several = f", {v.clips} × {v.crops} views each" if v.count > 1 else ""
    rate, ops = e.firing_rate, e.synaptic_operations
    return [
        f"model    {e.run.manifest.model}",
        f"data     {d['name']}, split {d['split']}: {len(e.videos):,} videos{several}",
        f"top-1    {e.top1.mean:.2%}  ({e.top1.low:.2%} to {e.top1.high:.2%}, 95 % bootstrap)",
        f"top-5    {e.top5.mean:.2%}  ({e.top5.low:.2%} to {e.top5.high:.2%})",
        f"rate     {rate.mean:.4f} spikes per neuron and step  ({rate.low:.4f} to {rate.high:.4f})",
        f"SynOps   {ops.mean:,.0f} per video  ({ops.low:,.0f} to {ops.high:,.0f})",
        *_before(e),
    ]


def _before(e: Evaluation) -> list[str]:
    """The model as it came, beside what the chip's arithmetic made of it."""
    if e.before is None:
        return []
    was, passes = e.before, e.run.manifest.pipeline
    made = [p for p in passes if p.startswith(("quantize", "average_bn"))]
    return [
        f"changed  by {', '.join(made)}; before: top-1 {was.top1.mean:.2%} "
        f"({was.top1.low:.2%} to {was.top1.high:.2%}), rate {was.firing_rate.mean:.4f}, "
        f"{was.synaptic_operations.mean:,.0f} SynOps"
    ]


def _energy(e: Evaluation) -> tuple[list[str], list[list[str]]]:
    head = ["chip", "mJ/video", "95 % interval of the mean", "least to most", "ms/video"]
    rows: list[list[str]] = []
    for chip, joules in e.joules_per_video.items():
        each = [v.joules[chip] * 1e3 for v in e.videos]
        seconds = e.reports[chip].seconds_per_video
        rows.append([
            chip,
            f"{joules.mean * 1e3:.4g}",
            f"{joules.low * 1e3:.4g} to {joules.high * 1e3:.4g}",
            f"{min(each):.4g} to {max(each):.4g}",
            "not mapped" if seconds is None else f"{seconds * 1e3:.4g}",
        ])  # fmt: skip
    return head, rows


def _classes(e: Evaluation) -> tuple[list[str], list[list[str]]]:
    chips = list(e.reports)
    head = ["class", "videos", "top-1", "rate", "SynOps", *(f"mJ {chip}" for chip in chips)]
    rows = [_class(row, chips) for row in e.per_class() if row["videos"]]
    return head, sorted(rows, key=lambda r: float(r[2].rstrip("%"))) if len(rows) > 20 else rows


def _class(row: dict[str, Any], chips: list[str]) -> list[str]:
    return [
        row["class"],
        str(row["videos"]),
        f"{row['top1']:.1%}",
        f"{row['firing_rate']:.4f}",
        f"{row['synaptic_operations']:,.0f}",
        *(f"{row[f'joules_{chip}'] * 1e3:.4g}" for chip in chips),
    ]
