"""``neurosim sweep noise | energy``: measure again and again while one thing changes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import evaluate, options

if TYPE_CHECKING:
    import pandas as pd

    from neurosim.studies.energy_front import Point

sweep = typer.Typer(help="Measure again and again while one thing changes.", rich_markup_mode=None)
Levels = Annotated[
    list[str] | None,
    options.maybe(
        "--level",
        metavar="KIND:LEVEL",
        help="gaussian:0.3, salt_pepper:0.1, event_drop:0.2, frame_drop:0.1, time_jitter:1, "
        "weight:0.05, bits:4; may be repeated. Default: SVFormer's seven levels.",
    ),
]
Seeds = Annotated[int, typer.Option(help="How many seeds, from 0.")]
Out = Annotated[
    Path | None,
    options.maybe(
        help="Folder for the tasks' files, sweep.parquet, tables and the picture; an interrupted "
        "sweep goes on there. Default: noise in the run's folder, else noise_sweep."
    ),
]
Workers = Annotated[int | None, options.maybe(help="Processes. Default: one a core.")]


@sweep.command("noise")
def noise(
    model: evaluate.Model,
    data: options.Data = "motion",
    root: options.Root = None,
    split: evaluate.Split = "test",
    fold: evaluate.Fold = None,
    form: evaluate.Form = None,
    number: evaluate.Number = None,
    skip_bad: evaluate.SkipBad = False,
    views: evaluate.ViewsText = "1x1",
    level: Levels = None,
    seeds: Seeds = 3,
    hardware: options.Hardware = None,
    convention: options.ConventionName = None,
    count: options.Count = None,
    host: options.Host = None,
    weights: options.Weights = None,
    workers: Workers = None,
    scheduler: evaluate.Scheduler = None,
    batch_size: evaluate.Batch = 16,
    out: Out = None,
    json: options.Json = False,
) -> None:
    """Noise changes spikes: accuracy and mJ per video are both measured again at every level."""
    from neurosim.cli.progress import counted, quiet_stdout
    from neurosim.data.noise import PROTOCOL
    from neurosim.studies import noise_sweep

    for option, value in (("--number", number), ("--seeds", seeds), ("--workers", workers)):
        evaluate.check_number(option, value)
    place = out or evaluate.default_out(model, "noise") or Path("noise_sweep")
    overrides: dict[str, Any] = dict(options.counts(count))
    with quiet_stdout(), counted("videos under noise") as tell:
        frame = noise_sweep.sweep_noise(
            model, data, level or PROTOCOL, tuple(range(seeds)), hardware or ["cmos_45nm"],
            convention, host, out=place, weights=weights, root=root, split=split,
            fold=evaluate.fold_of(fold), form=form, number=number, skip_bad=skip_bad,
            views=evaluate.views_of(views), workers=workers, scheduler=scheduler,
            batch_size=batch_size, tell=tell, **overrides,
        )  # fmt: skip
        files = keep(frame, place)
    _print(frame, files, json)


def keep(frame: pd.DataFrame, place: Path) -> list[Path]:
    """levels.csv, layers.csv and, where anything can be retained, a picture a chip beside
    sweep.parquet; their paths."""
    from neurosim.ir.store import write_atomically
    from neurosim.plots import noise_robustness, noise_table, save
    from neurosim.studies import noise_sweep

    levels, layers = place / "levels.csv", place / "layers.csv"
    write_atomically(levels, noise_sweep.summary(frame).to_csv(index=False).encode())
    write_atomically(layers, noise_sweep.layer_shifts(frame).to_csv(index=False).encode())
    found = [place / noise_sweep.RESULT, levels, layers]
    drawn = noise_sweep.chips(frame) if noise_sweep.summary(frame)["accuracy"].iloc[0] else []
    for chip in drawn:
        table = noise_table(noise_sweep.samples(frame, chip))
        found.append(save(noise_robustness(table, chip), place / f"noise_{chip}.png"))
    return found


def _print(frame: pd.DataFrame, files: list[Path], json: bool) -> None:
    from neurosim.cli import show
    from neurosim.studies import noise_sweep

    rows, areas = noise_sweep.by_level(frame), noise_sweep.area_under_accuracy(frame)
    left_out = frame.attrs.get("not_placed", {})
    if json:
        document = {"levels": rows, "area_under_accuracy": areas, "not_placed": left_out}
        show.print_json({**document, "files": list(map(str, files))})
        return
    chips = noise_sweep.chips(frame)
    head = ["noise", "seeds", "top-1", "retained", "rate", "SynOps"]
    head += [text for chip in chips for text in (f"mJ {chip}", "× clean")]
    show.print_table(head, [_row(row, chips) for row in rows])
    show.print_not_placed(left_out)
    typer.echo("")
    for kind, area in areas.items():
        typer.echo(f"area under the accuracy curve, {kind}: {area:.4f}")
    if rows[0]["accuracy"] == 0:
        typer.echo("\nno picture: no clean clip was right, so there is no accuracy to retain")
    typer.echo(f"\nkept     {', '.join(map(str, files))}")


def _row(row: dict[str, Any], chips: list[str]) -> list[str]:
    shown = [
        str(row["noise"]),
        f"{row['seeds']:.0f}",
        f"{row['accuracy']:.2%}",
        "none" if row["accuracy_retained"] is None else f"{row['accuracy_retained']:.1%}",
        f"{row['firing_rate']:.4f}",
        f"{row['synaptic_operations']:,.0f}",
    ]
    for chip in chips:
        mj = float(row[f"joules_{chip}"]) * 1e3
        shown += [f"{mj:.4g}", f"{row[f'energy_ratio_{chip}']:.3f}"]
    return shown


EnergyWeights = Annotated[
    list[float] | None,
    options.maybe(
        "--energy-weight",
        help="Weight of synaptic operations in the loss; may be repeated. Default: five.",
    ),
]


@sweep.command("energy")
def energy(
    model: evaluate.Model,
    data: options.Data = "motion",
    energy_weight: EnergyWeights = None,
    epochs: Annotated[int | None, options.maybe(help="Passes a point.")] = None,
    set_: options.Set = None,
    split: evaluate.Split = "test",
    number: evaluate.Number = None,
    hardware: options.Hardware = None,
    out: Annotated[Path, typer.Option(help="Folder of the points' runs.")] = Path("energy_front"),
    json: options.Json = False,
) -> None:
    """Train a model with several weights on its energy, and draw accuracy against mJ per video."""
    from neurosim.cli.progress import quiet_stdout
    from neurosim.cli.train import epoch_line, pairs
    from neurosim.plots import draw_front, save
    from neurosim.studies import energy_front

    evaluate.check_number("--epochs", epochs)
    evaluate.check_number("--number", number)

    def tell(weight: float, told: Mapping[str, Any]) -> None:
        if "row" in told:
            print(f"energy weight {weight:g}: {epoch_line(told['row'])}", file=sys.stderr)

    with quiet_stdout():
        points = energy_front.energy_front(
            model, data, energy_weight or energy_front.WEIGHTS, hardware or ["cmos_45nm"],
            out=out, epochs=epochs, settings=pairs(set_), split=split, number=number, tell=tell,
        )  # fmt: skip
        if not points:  # a further process of torchrun
            return
        files = [out / "front.csv"]
        for chip in points[0].evaluation.reports:
            drawn = draw_front(energy_front.picture(points, chip), profile=chip)
            files.append(save(drawn, out / f"front_{chip}.png"))
    _print_front(points, files, json)


def _print_front(points: list[Point], files: list[Path], json: bool) -> None:
    from neurosim.cli import show

    rows = [point.row() for point in points]
    left_out = points[0].evaluation.not_placed
    if json:
        show.print_json({"points": rows, "not_placed": left_out, "files": list(map(str, files))})
        return
    chips = list(points[0].evaluation.reports)
    first = rows[0]["synaptic_operations"]
    head = ["energy weight", "top-1", "rate", "SynOps/video", "× first"]
    head += [f"mJ {chip}" for chip in chips]
    show.print_table(head, [
        [
            f"{row['energy_weight']:g}",
            f"{row['top1']:.2%}",
            f"{row['firing_rate']:.4f}",
            f"{row['synaptic_operations']:,.0f}",
            f"{row['synaptic_operations'] / max(first, 1):.3f}",
            *(f"{row[f'joules_{chip}'] * 1e3:.4g}" for chip in chips),
        ]
        for row in rows
    ])  # fmt: skip
    show.print_not_placed(left_out)
    typer.echo(f"\nkept     {', '.join(map(str, files))}")
