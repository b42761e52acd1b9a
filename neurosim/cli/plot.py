"""``neurosim plot SOURCE``: firing rates as pictures, and the numbers of each as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import options
from neurosim.cli.plot_pictures import ALL, DEFAULT, PICTURES, chosen
from neurosim.cli.plot_source import Asked, read_kept, read_labels, read_source

if TYPE_CHECKING:
    from neurosim.cli.plot_pictures import Picture

FORMATS = ("png", "svg", "pdf")
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
    str | None, options.maybe(help="Layer of the raster. Default: the first recorded.")
]
Sample = Annotated[int, typer.Option(help="Clip of the raster, from 0.")]
Labels = Annotated[
    Path | None, options.maybe(help="Class of each clip of the run: a JSON list, or one a line.")
]
Out = Annotated[Path, typer.Option(help="Folder for the pictures and their .csv files.")]
Format = Annotated[str, typer.Option("--format", help="png (300 dpi), svg or pdf.")]


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
    kept = read_kept(Path(source))
    asked = Asked(read_source(source), layer, sample, given, kept, chips, bool(hardware))
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
