"""``--baseline`` of ``neurosim estimate``: the dense twin beside every report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neurosim.cli import options

if TYPE_CHECKING:
    from neurosim.energy.baseline import Baseline, Compared, DenseTwin
    from neurosim.energy.break_even import BreakEven

Baselines = Annotated[
    bool,
    typer.Option(
        "--baseline",
        help="The dense twin beside it, and the firing rate at which both cost the same.",
    ),
]
On = Annotated[
    str | None,
    options.maybe(
        "--baseline-on",
        help="Profile that the twin runs on. Default: the chip, or its host where it has no MACs.",
    ),
]
Frames = Annotated[
    int | None,
    options.maybe(
        "--baseline-frames",
        help="Passes of the twin. Default: one for every step that shows a new frame.",
    ),
]
Bits = Annotated[
    int | None,
    options.maybe(
        "--baseline-bits", help="Of the bit-matched twin. Default: ⌈log2(T + 1)⌉ of T steps."
    ),
]
LAYERS = 40  # rows of a table on a terminal; the rest is in --json and --out


def asked(wanted: bool, on: str | None, frames: int | None, bits: int | None) -> bool | DenseTwin:
    """What the options say. Raises UsageError, UnknownName, ProfileError."""
    from neurosim.energy.baseline import DenseTwin
    from neurosim.energy.bits import WIDEST
    from neurosim.hardware.profile import load_profile

    given = {"--baseline-on": on, "--baseline-frames": frames, "--baseline-bits": bits}
    for name, value in given.items():
        if value is not None and not wanted:
            raise options.UsageError(f"{name} is about a dense twin; give --baseline too")
    if frames is not None and frames < 1:
        raise options.UsageError(f"--baseline-frames {frames}: give at least 1")
    if bits is not None and not 1 <= bits <= WIDEST:
        raise options.UsageError(f"--baseline-bits {bits}: give 1 to {WIDEST}")
    if on is not None:
        load_profile(on)
    return DenseTwin(frames, bits, on) if wanted else False


def write(folder: Path, baselines: Mapping[str, Baseline]) -> None:
    """twin.json of all reports, twin-PROFILE.csv and .png of those that have a twin."""
    import json

    from neurosim import plots
    from neurosim.plots.twin import draw_twin, twin_table

    if baselines:
        document = {name: found.to_dict() for name, found in baselines.items()}
        text = json.dumps(document, indent=2, allow_nan=False)
        (folder / "twin.json").write_text(text + "\n", encoding="utf-8")
    for name, found in baselines.items():
        if found.compared:
            table = twin_table(found)
            plots.save_csv(table, folder / f"twin-{name}.csv")
            plots.save(draw_twin(table), folder / f"twin-{name}.png")


def tell(baselines: Mapping[str, Baseline]) -> None:
    """Verdicts first, then the layers of each profile."""
    for name, found in baselines.items():
        typer.echo(f"\n{name} and its dense twin")
        for compared in found.compared:
            typer.echo(f"  {compared.verdict()}")
        for why in found.missing:
            typer.echo(f"  no twin: {why}")
        if found.compared:
            typer.echo("")
            _table(found)


def _table(found: Baseline) -> None:
    from neurosim.cli.show import print_table

    head = ["layer, mJ/video", "rate"]
    for c in found.compared:
        head += [f"{c.format} twin", "SNN", "wins at rate"]
    rows = list(zip(*(c.layers for c in found.compared), strict=True))
    ranked = sorted(rows, key=lambda row: -row[0].twin_joules)[:LAYERS]
    shown = [row for row in rows if row in ranked]
    print_table(head, [_row(r) for r in [*shown, tuple(c.network for c in found.compared)]])
    if len(rows) > LAYERS:
        typer.echo(f"{len(rows) - LAYERS} more layers in --json and --out")
    for c in found.compared:
        typer.echo(_made(c))
        if c.caution:
            typer.echo(f"  {c.caution}")


def _row(row: tuple[BreakEven, ...]) -> list[str]:
    from neurosim.cli.show import figure

    rate = row[0].rate
    cells = [row[0].name, "" if rate is None else f"{rate:.4f}"]
    for at in row:
        cells += [
            figure(at.twin_joules * 1e3),
            figure(at.snn_joules * 1e3),
            at.said().removeprefix("rate "),
        ]
    return cells


def _made(c: Compared) -> str:
    from neurosim.cli.show import figure

    low, high = (joules * c.twin.per_video * 1e3 for joules in (c.twin.low, c.twin.high))
    span = f" ({figure(low)} to {figure(high)})" if high > low else ""
    mj = figure(c.twin.joules_per_video * 1e3)
    return f"{c.format} twin: {c.passes}, on {c.on}: {mj} mJ per video{span}"
