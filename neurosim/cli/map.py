"""``neurosim map MODEL --to TARGET``: cores, step times, messages and joules on a chip; or Lava."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurosim.cli import options

if TYPE_CHECKING:
    from neurosim.ir.run import Run
    from neurosim.studies.map_chip import MapStudy

To = Annotated[str, options.maybe("--to", help="Profile name or .yaml file of a chip; or lava.")]
Strategy = Annotated[str, typer.Option(help="greedy, hops or balanced; all are compared.")]
Manual = Annotated[
    Path | None, options.maybe(help="YAML or JSON of 'node: [cores]'; placed by hand.")
]
Level = Annotated[
    str,
    typer.Option(
        help="Step times: simple, detailed (order of messages, links' occupancy) or queueing."
    ),
]
Exact = Annotated[
    bool, typer.Option("--exact", help="Messages from the recorded spikes, not spread evenly.")
]
LAVA = "With --to lava"  # the panel that these options stand in
Until = Annotated[
    list[str] | None,
    options.maybe(
        help="Map this neuron node and what it needs; may be repeated. Default: all.",
        rich_help_panel=LAVA,
    ),
]
Floating = Annotated[
    bool,
    typer.Option("--floating", help="Lava's floating-point models, not its fixed point.",
                 rich_help_panel=LAVA),
]  # fmt: skip
AverageBN = Annotated[
    bool,
    typer.Option("--average-bn", help="One norm from the mean statistics of norms per step.",
                 rich_help_panel=LAVA),
]  # fmt: skip
Chip = Annotated[
    str, typer.Option(help="Whose fixed point: loihi1 or loihi2.", rich_help_panel=LAVA)
]
Execute = Annotated[
    bool, typer.Option("--run", help="Run it, and compare every spike.", rich_help_panel=LAVA)
]
Timeout = Annotated[
    float, typer.Option(help="Seconds that Lava may take; it can hang.", rich_help_panel=LAVA)
]
OutDir = Annotated[
    Path | None,
    options.maybe(
        help="Folder for map.json, placement.json and pictures of cores, links and steps."
    ),
]
OF_CHIPS = ("strategy", "manual", "level", "exact", "rates", "out")
OF_LAVA = ("until", "floating", "average_bn", "chip", "run", "timeout")


def map_model(
    context: typer.Context,
    model: options.Model,
    to: To,
    strategy: Strategy = "hops",
    manual: Manual = None,
    level: Level = "simple",
    exact: Exact = False,
    clip: options.Clip = None,
    rates: options.Rates = None,
    out: OutDir = None,
    json: options.Json = False,
    weights: options.Weights = None,
    frames: options.Frames = None,
    size: options.Size = None,
    bin_ms: options.BinMs = None,
    until: Until = None,
    floating: Floating = False,
    average_bn: AverageBN = False,
    chip: Chip = "loihi1",
    run: Execute = False,
    timeout: Timeout = 300.0,
) -> None:
    """A model on the cores of a chip: placement, traffic, latency and energy; or as Lava processes,
    with --run its spikes there beside ours."""
    refuse(to, options.typed(context))
    if to == "lava":
        from neurosim.cli.map_lava import LavaOptions, map_lava

        how = LavaOptions(tuple(until or ()), None if floating else chip, average_bn, run,
                          timeout)  # fmt: skip
        map_lava(model, how, clip=clip, weights=weights, frames=frames, size=size, bin_ms=bin_ms,
                 json=json)  # fmt: skip
        return
    given = {"clip": clip, "rates": rates, "weights": weights, "frames": frames, "size": size,
             "bin_ms": bin_ms}  # fmt: skip
    to_chip(model, to, strategy, manual, level, exact, out, json, given)


def refuse(to: str, typed: Collection[str]) -> None:
    """Raise UsageError for options that would do nothing."""
    others = [name for name in (OF_CHIPS if to == "lava" else OF_LAVA) if name in typed]
    if others:
        said = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise options.UsageError(f"--to {to}: {said} has no meaning here; leave it out")
    if {"manual", "strategy"} <= set(typed):
        raise options.UsageError("--manual places by hand, --strategy by rule; give one of the two")
    if {"floating", "chip"} <= set(typed):
        raise options.UsageError("--chip says whose fixed point, --floating none; give one of them")
    if "timeout" in typed and "run" not in typed:
        raise options.UsageError("--timeout limits what --run starts; give --run too")


def to_chip(
    model: str,
    to: str,
    strategy: str,
    manual: Path | None,
    level: str,
    exact: bool,
    out: Path | None,
    json: bool,
    given: dict[str, Any],
) -> None:
    """The chip mapping: everything that can be wrong is looked at before the model is run."""
    from neurosim.cli import show
    from neurosim.cli.output import staged

    profile = _checked(to, strategy, manual, level, exact, given["rates"])
    with staged(out) if out else nullcontext() as folder:
        study = _study(model, profile, strategy, manual, level, exact, given)
        if folder is not None:
            _write(folder.staging, study)
    if json:
        show.print_json(study.to_dict())
    else:
        _print(study)


def _checked(
    to: str, strategy: str, manual: Path | None, level: str, exact: bool, rates: str | None
) -> Any:
    from neurosim.errors import PlacementError
    from neurosim.hardware.profile import load_profile
    from neurosim.mapping.manual import read_manual
    from neurosim.mapping.place import LEVELS, STRATEGIES, check_fabric

    profile = load_profile(to)
    check_fabric(profile)
    if strategy not in STRATEGIES:
        raise PlacementError(f"--strategy {strategy}: choose one of {', '.join(STRATEGIES)}")
    if level not in LEVELS:
        raise PlacementError(f"--level {level}: choose one of {', '.join(LEVELS)}")
    if rates is not None and (exact or level != "simple"):
        raise PlacementError(f"--exact and --level {level} need spikes; --rates assumes them")
    if manual is not None:
        read_manual(manual)
    return profile


def _study(
    model: str, profile: Any, strategy: str, manual: Path | None, level: str, exact: bool,
    given: dict[str, Any],
) -> MapStudy:  # fmt: skip
    from neurosim.cli.estimate import _loaded
    from neurosim.cli.exchanged import Imported
    from neurosim.cli.progress import quiet_stdout, stages
    from neurosim.studies.estimate import estimate
    from neurosim.studies.map_chip import map_run

    frames, size = options.frames(given["frames"]), options.size(given["size"])
    with quiet_stdout(), stages(("load", "capture", "lower", "simulate", "price", "map")) as tell:
        tell("load")
        source, taken, rates, manifest = _loaded(
            model,
            given["weights"],
            given["clip"],
            given["rates"],
            frames,
            size,
            given["bin_ms"],
            Imported(),
        )
        record = "spikes" if exact or level != "simple" else None
        found = estimate(source.model, taken, ["cmos_45nm"], None, rates, record=record,
                         manifest=manifest, updates=_updates(profile), on_stage=tell)  # fmt: skip
        tell("map")
        return map_run(found.graph, found.run, profile, strategy, manual, level)


def _updates(profile: Any) -> bool:
    from neurosim.studies.estimate import needs_updates

    return needs_updates(profile, None, {})


def _write(folder: Path, study: MapStudy) -> None:
    """map.json, placement.json and the pictures that the chip allows."""
    import json

    from neurosim.ir.store import write_atomically
    from neurosim.plots import chip, style

    for name, found in (("map", study.to_dict()), ("placement", study.placement_file())):
        text = json.dumps(found, indent=None if name == "placement" else 2, allow_nan=False)
        write_atomically(folder / f"{name}.json", (text + "\n").encode())
    placement, run = study.chosen.placement, study.run
    pictures: tuple[Any, ...] = (("core_load", chip.core_load, chip.draw_core_load),
                ("links", chip.link_load, chip.draw_link_load),
                ("steps", chip.step_times, chip.draw_step_times))  # fmt: skip
    for name, table, draw in pictures:
        try:
            style.save(draw(table(placement, run)), folder / f"{name}.png")
        except style.PlotError:
            continue  # the chip states no mesh or no times of its cores


def _print(study: MapStudy) -> None:
    from neurosim.cli.show import figure, print_table

    chosen, run = study.chosen, study.run
    typer.echo(f"{run.manifest.model} on {study.chip.name}: {study.chip.title}\n")
    print_table(
        ("strategy", "cores", "chips", "messages", "hops each", "slowest step µs", "ms/video",
         "videos/s", "mJ/video", "mJ·ms"),
        [_row(m.row(), figure) for m in study.mapped],
    )  # fmt: skip
    if chosen.report is not None:
        parts = chosen.report.split().items()
        shares = ", ".join(f"{name} {figure(joules * 1e3)}" for name, joules in parts)
        typer.echo(f"\n{chosen.placement.strategy}: mJ/video {shares}")
    else:
        typer.echo(f"\nno energy: {chosen.why}")
    for line in (*chosen.placement.notes(run), _hosted(study, run)):
        typer.echo(f"  - {line}")


def _row(row: dict[str, Any], figure: Any) -> list[str]:
    hops, energy, delay = (row[k] for k in ("hops_per_message", "mj_per_video", "energy_delay_js"))
    return [
        row["strategy"], f"{row['cores']:,}", str(row["chips"]),
        f"{row['messages_per_video']:,.0f}", "not known" if hops is None else figure(hops),
        figure(row["slowest_step_us"]), figure(row["ms_per_video"]),
        figure(row["videos_per_second"]),
        "not priced" if energy is None else figure(energy),
        "" if delay is None else figure(delay * 1e6),
    ]  # fmt: skip


def _hosted(study: MapStudy, run: Run) -> str:
    nodes = study.chosen.placement.network.on_host
    if not nodes:
        return "nothing is left to the host"
    shown = ", ".join(nodes[:4]) + (f" and {len(nodes) - 4} more" if len(nodes) > 4 else "")
    report = study.chosen.report
    share = "" if report is None else f", {report.host_share():.1%} of the energy"
    return f"the host does {len(nodes)} nodes{share}: {shown}"
