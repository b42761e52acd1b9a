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
SAID = {"match": "match", "mismatch": "MISMATCH", "not_checkable": "not checkable"}
FLAGGED = {"mismatch": "Does not add up:", "not_checkable": "Not checkable:"}


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

    head = ("row", "published", "ours", "difference", "convention", "verdict")
    for name, of_table in found.items():
        typer.echo(f"{name}, in mJ")
        print_table(head, (_line(row) for row in of_table))
        typer.echo()
    for verdict, title in FLAGGED.items():
        _reasons(title, [row for row in rows if row.verdict == verdict])
    counts = ", ".join(f"{sum(r.verdict == v for r in rows)} {SAID[v].lower()}" for v in SAID)
    typer.echo(f"{len(rows)} rows: {counts}. Measured chips: neurosim reproduce {SILICON}")


def _line(row: Reproduced) -> tuple[str, ...]:
    from neurosim.cli.show import figure

    ours = row.recomputed_mj
    found = ("", "") if ours is None else (figure(ours), _difference(ours - row.reported_mj))
    return (row.id, figure(row.reported_mj), *found, row.convention, SAID[row.verdict])


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
