"""``neurosim compare MODEL …``: models × chips in one table and one scatter."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import options

if TYPE_CHECKING:
    from neurosim.cli.output import Folder
    from neurosim.hardware.schema import Profile
    from neurosim.ir.run import Run
    from neurosim.studies.compare import Candidate, CompareRow, Comparison

Models = Annotated[
    list[str],
    typer.Argument(
        help="Zoo names, training runs (evaluated ones bring their accuracy), folders that --out "
        "wrote, package.module:function or file.py:function.",
        metavar="MODEL …",
        show_default=False,
    ),
]
Rates = Annotated[
    float | None,
    options.maybe(
        help="Assumed firing rate of models without trained weights, instead of a simulation."
    ),
]
Published = Annotated[
    list[str] | None,
    options.maybe(
        "--published",
        help="Table of neurosim reproduce to show too; may be repeated. Default: those of the "
        "models' data sets.",
    ),
]
Out = Annotated[
    Path | None, options.maybe(help="Folder for compare.png, compare.csv and compare.json.")
]


def compare(
    models: Models,
    hardware: options.Hardware = None,
    clip: options.Clip = None,
    rates: Rates = None,
    published: Published = None,
    convention: options.ConventionName = None,
    count: options.Count = None,
    host: options.Host = None,
    out: Out = None,
    json: options.Json = False,
) -> None:
    """Accuracy beside mJ per video of several models on several chips, and published points."""
    from neurosim.cli.output import staged
    from neurosim.cli.progress import quiet_stdout, renamed
    from neurosim.cli.show import print_json
    from neurosim.studies.compare import compare as study
    from neurosim.studies.estimate import check_chips

    counts: dict[str, Any] = dict(options.counts(count))
    chips = check_chips(hardware or ["cmos_45nm"], convention, host, counts)
    names = list(dict.fromkeys(models))
    _check(published, rates)
    with staged(out) if out else nullcontext() as folder:
        runs: dict[str, Any] = {}
        with quiet_stdout(), renamed("compare", transient=True) as tell:
            for done, name in enumerate(names):
                tell(name, done, len(names))
                runs[name] = _given(name, clip, rates, chips, convention, host, counts)
            found = study(runs, chips, convention, host, published or (), **counts)
        drawn = folder is not None and _write(folder, found)
    print_json(found.to_dict()) if json else _print(found, out if drawn else None)


def _check(published: list[str] | None, rates: float | None) -> None:
    """Before any minute of work is spent."""
    from neurosim.errors import UnknownName
    from neurosim.studies import claims

    for name in published or ():
        if name not in claims.tables():
            raise UnknownName("table", name, claims.tables())
    if rates is not None and not 0 <= rates <= 1:
        raise options.UsageError(f"--rates {rates:g}: give spikes per neuron and step, 0 to 1")


def _given(
    name: str, clip: Path | None, rates: float | None, chips: tuple[Profile, ...],
    convention: str | None, host: str | None, counts: dict[str, Any],
) -> Candidate | Run:  # fmt: skip
    """A saved run, or that of a model on the clip."""
    from neurosim.studies.compare import candidate_of, saved_at

    if saved_at(Path(name)) is None:
        return _simulated(name, clip, rates, chips, convention, host, counts)
    found = candidate_of(name, name)
    if all(chip.fabric is None for chip in chips):
        return found
    return replace(found, run=_with_graph(name, found.run))


def _with_graph(name: str, run: Run) -> Run:
    """A saved run knows no graph: its model is captured again, to sit on cores. As it was, where
    the model is not to be had or its graph is another one now.
    """
    from neurosim.cli.clips import stand_in
    from neurosim.errors import NeurosimError
    from neurosim.models._source import resolve
    from neurosim.studies.estimate import graph_of
    from neurosim.train.run_dir import is_run

    try:
        source = resolve(name if is_run(Path(name)) else run.manifest.model)
        taken = stand_in(source, run.steps, None)
        graph = graph_of(source.model, taken.tensor, taken.kind, name=source.name)
    except NeurosimError:
        return run
    return replace(run, graph=graph) if graph.facts() == dict(run.facts) else run


def _simulated(
    name: str, clip: Path | None, rates: float | None, chips: tuple[Profile, ...],
    convention: str | None, host: str | None, counts: dict[str, Any],
) -> Run:  # fmt: skip
    """A model without trained weights takes published rates, or the one assumed."""
    from neurosim.cli.clips import read_clip, stand_in
    from neurosim.cli.rates import read_rates
    from neurosim.ir.manifest import Manifest
    from neurosim.models._source import resolve
    from neurosim.studies.estimate import estimate

    source = resolve(name)
    given, activity = None, "measured"
    if source.weights == "untrained" and source.card and source.card.published_rates:
        given, activity = read_rates("published", name)
    elif source.weights in ("untrained", "unknown") and rates is not None:
        given, activity = rates, "assumed"
    taken = read_clip(source, clip) if given is None else stand_in(source, None, None)
    manifest = Manifest(
        model=source.name, activity=activity, weights=source.weights, card=source.facts()
    )
    return estimate(
        source.model, taken, chips, convention, given, host, manifest=manifest, **counts
    ).run


def _write(folder: Folder, found: Comparison) -> bool:
    """compare.json, compare.csv, and compare.png where a model has an accuracy."""
    import json

    from neurosim import plots

    table = found.scatter()
    text = json.dumps(found.to_dict(), indent=2, allow_nan=False)
    (folder.staging / "compare.json").write_text(text + "\n", encoding="utf-8")
    plots.save_csv(table, folder.staging / "compare.csv")
    if table.points:
        plots.save(plots.draw_scatter(table), folder.staging / "compare.png")
    return bool(table.points)


def _print(found: Comparison, out: Path | None) -> None:
    from neurosim.cli.show import print_table

    head = ("model", "chip", "mJ/video", "low to high", "ms/video", "top-1, %", "on")
    print_table(head, [_row(row) for row in found.compared])
    for model, why in found.left_out.items():
        typer.echo(f"not in the scatter: {model}: {why}")
    for note in found.notes:
        typer.echo(f"note: {note}")
    if found.published:
        typer.echo("\nas published, on 45 nm arithmetic")
        print_table(
            ("model", "top-1", "on", "mJ", "our verdict"),
            [
                (p.model, f"{p.accuracy.mean:.2%}", p.dataset,
                 f"{p.joules_per_video.mean * 1e3:.4g}", p.verdict.replace("_", " "))
                for p in found.published
            ],
        )  # fmt: skip
    if out is not None:
        typer.echo(f"\nscatter  {out}/compare.png")


def _row(row: CompareRow) -> tuple[str, ...]:
    from neurosim.cli.show import figure

    mj, seconds = row.joules_per_video.scaled(1e3), row.seconds_per_video
    return (
        row.model, row.chip, figure(mj.mean),
        f"{figure(mj.low)} to {figure(mj.high)}" if mj.high > mj.low else "no range given",
        "not mapped" if seconds is None else figure(seconds * 1e3), *_accuracy(row),
    )  # fmt: skip


def _accuracy(row: CompareRow) -> tuple[str, str]:
    """(top-1 with its interval, data set and views)."""
    known = row.accuracy
    if known is None:
        return "not known", ""
    top1 = known.top1.scaled(100)
    span = f" ({top1.low:.1f} to {top1.high:.1f})" if top1.high > top1.low else ""
    views = f", {known.views} views" if known.views > 1 else ""
    return f"{top1.mean:.2f}{span}", f"{known.dataset}{views}"
