"""``neurosim reproduce [TABLE]``: published energies recomputed, and those that do not add up."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from neurosim.cli.options import Json

if TYPE_CHECKING:
    from neurosim.studies.reproduce import Reproduced

Table = Annotated[
    str | None,
    typer.Argument(
        help="One table, or silicon. Default: all but that.", metavar="TABLE", show_default=False
    ),
]
SILICON = "silicon"
SAID = {
    "match": "match",
    "printed_digits": "printed digits",
    "mismatch": "MISMATCH",
    "not_checkable": "not checkable",
}
FLAGGED = {
    "printed_digits": "Equal to the printed digits, further off than 0.01 mJ:",
    "mismatch": "Does not add up:",
    "not_checkable": "Not checkable:",
}
PEERS = "peers"


def reproduce(table: Table = None, json: Json = False) -> None:
    """Published energies recomputed from their facts; exit code 1 where a verdict is unexpected.

    The table "silicon" holds measured chips against our profiles, each with its error."""
    if table == SILICON:
        _silicon(json)
        return
    from neurosim.cli.progress import quiet_stdout, renamed
    from neurosim.studies import reproduce as study

    with quiet_stdout(), renamed("recompute", transient=True) as tell:
        found = study.reproduce(table, tell)
    rows = [row for table_rows in found.values() for row in table_rows]
    if json:
        from neurosim.cli.show import print_json

        print_json([row.to_dict() for row in rows])
    else:
        _at_once(lambda: _print(found, rows))
    if unexpected := study.surprises(rows):
        names = ", ".join(f"{r.id} ({r.verdict} instead of {r.expected})" for r in unexpected)
        typer.echo(f"neurosim: verdicts differ from what is known: {names}", err=True)
        raise typer.Exit(1)


def _silicon(json: bool) -> None:
    from neurosim.cli.show import print_json, print_table
    from neurosim.studies.reproduce_silicon import reproduce_silicon

    rows = reproduce_silicon()
    if json:
        print_json([row.to_dict() for row in rows])
        return
    head = ("case", "chip", "of", "measured", "ours", "unit", "error")
    print_table(head, (
        (r.id, r.chip, r.quantity, f"{r.measured:.4g}", f"{r.computed:.4g}", r.unit,
         f"{r.relative_error:+.2%}" if r.independent else "no test")
        for r in rows
    ))  # fmt: skip
    typer.echo()
    for r in rows:
        typer.echo(f"  {r.id}, {r.quantity} on {r.chip}: {r.reason} ({r.source})")


def _at_once(tell: Callable[[], None]) -> None:
    """One write to a pipe: whoever reads its first lines alone is not told of a broken one."""
    if sys.stdout.isatty():
        tell()
        return
    with contextlib.redirect_stdout(io.StringIO()) as text:
        tell()
    sys.stdout.write(text.getvalue())


def _print(found: Mapping[str, Sequence[Reproduced]], rows: Sequence[Reproduced]) -> None:
    from neurosim.cli.show import print_table

    for name, of_table in found.items():
        printed, ours = ("its program", "we recompute") if name == PEERS else ("published", "ours")
        typer.echo(f"{name}, in mJ; ±: what the printed digits leave open")
        head = ("row", printed, ours, "difference", "±", "convention", "verdict")
        print_table(head, (_line(row) for row in of_table))
        typer.echo()
    _programs(found.get(PEERS, ()))
    published = [row for name in found if name != PEERS for row in found[name]]
    for verdict, title in FLAGGED.items():
        _reasons(title, [row for row in published if row.verdict == verdict])
    _tally(rows)
    _held(published)


def _programs(rows: Sequence[Reproduced]) -> None:
    """What ran, and every term's difference or agreement explained."""
    for program in dict.fromkeys(row.model for row in rows):
        of_program = [row for row in rows if row.model == program]
        _reasons(f"{program}, equal:", [r for r in of_program if r.verdict == "match"])
        _reasons(f"{program}, different:", [r for r in of_program if r.verdict == "mismatch"])


def _tally(rows: Sequence[Reproduced]) -> None:
    counts = ", ".join(f"{sum(r.verdict == v for r in rows)} {SAID[v].lower()}" for v in SAID)
    typer.echo(f"{len(rows)} rows: {counts}. Measured chips: neurosim reproduce {SILICON}")


def _held(published: Sequence[Reproduced]) -> None:
    """How finely a row can be checked is up to its printed digits."""
    checked = [row for row in published if row.recomputed_mj is not None]
    coarse = [row for row in checked if not row.fine]
    near = sum(row.verdict == "match" for row in coarse)
    if checked:
        typer.echo(
            f"{len(checked)} are checkable: {len(checked) - len(coarse)} are held to 0.01 mJ or "
            f"less, as their printed digits permit, {len(coarse)} to coarser digits ({near} of "
            "these match within 0.01 mJ all the same)."
        )


def _line(row: Reproduced) -> tuple[str, ...]:
    from neurosim.cli.show import figure

    ours = row.recomputed_mj
    found = ("", "", "") if ours is None else (
        figure(ours), _difference(ours - row.reported_mj), _open(row.digits_mj)
    )  # fmt: skip
    return (row.id, figure(row.reported_mj), *found, row.convention, SAID[row.verdict])


def _open(mj: float) -> str:
    """Rounding of floats leaves nothing open."""
    return "0" if mj < 1e-7 else f"{mj:.2g}"


def _difference(mj: float) -> str:
    """Rounding of two programs is no difference."""
    return "0" if abs(mj) < 1e-12 else f"{mj:+.2g}"


def _reasons(title: str, rows: Sequence[Reproduced]) -> None:
    """Each reason once, with the rows that it holds for."""
    if not rows:
        return
    of: dict[str, list[str]] = {}
    for row in rows:
        of.setdefault(row.reason, []).append(row.id)
    typer.echo(title)
    for reason, ids in of.items():
        typer.echo(f"  {reason}: {', '.join(ids)}")
    typer.echo()
