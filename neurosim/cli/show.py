"""A report for people (tables) and for programs (one JSON document)."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from neurosim.energy.report import EnergyReport
from neurosim.energy.summary import tally
from neurosim.ir.events import SYNAPTIC
from neurosim.ir.run import Run

if TYPE_CHECKING:
    from neurosim.cli.trust import Trust

Reports = Mapping[str, EnergyReport]
LAYERS, CHIPS = 8, 4  # rows of the layer table, and chips that get a column in it
WIDE = 110  # columns of a file or a pipe
ACTIVITY = {
    "assumed": "ASSUMED firing rates; counts are expected ones, nothing was simulated",
    "published": "PUBLISHED firing rates; counts are expected ones, nothing was simulated",
}
WEIGHTS = {
    "untrained": "UNTRAINED (seeded at random): rates and joules show the road, not the model",
    "unknown": "as the module came (torch seeded while it was built)",
}


def print_json(document: Any) -> None:
    """One document on stdout. Numbers that JSON cannot hold are a fault, not text."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def figure(value: float) -> str:
    """Four significant digits, the trailing zeros too: 16.00, 0.06883, 12,346."""
    return f"{value:,.0f}" if abs(value) >= 1e4 or value == 0 else f"{value:#.4g}".rstrip(".")


def about(run: Run, trust: Trust | None = None) -> dict[str, Any]:
    """What belongs to a report beside its figures: published accuracy, warnings, three energies."""
    return {
        "accuracy": list(run.manifest.card.get("accuracy", ())),
        "warnings": warnings(run, trust),
        **({} if trust is None else trust.to_dict()),
    }


def warnings(run: Run, trust: Trust | None = None) -> list[str]:
    """What a reader must know before quoting a figure; the lint's are ``name (chips): text``."""
    manifest = run.manifest
    found = [ACTIVITY[manifest.activity]] if manifest.activity in ACTIVITY else []
    linted = [] if trust is None else [f.line() for f in trust.findings]
    return [*found, *manifest.notes, *linted]


def print_estimate(run: Run, reports: Reports, trust: Trust | None = None) -> None:
    """The figures first, then where they come from, then what is not in them."""
    _written(lambda console: _tell(console, run, reports, trust))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table with its first column to the left and numbers to the right."""
    table = _table(*head)
    for row in rows:
        table.add_row(*row)
    _written(lambda console: console.print(table))


def print_not_placed(found: Mapping[str, str]) -> None:
    """Under a table of joules: which of its chips were priced without a placement."""
    from neurosim.studies.not_placed import lines

    for line in lines(found):
        sys.stdout.write(f"{line}\n")


def _written(tell: Callable[[Console], object]) -> None:
    """As wide as a terminal is; in a fixed width to a file or pipe, without trailing blanks."""
    if sys.stdout.isatty():
        tell(Console(highlight=False))
        return
    text = io.StringIO()
    tell(Console(file=text, highlight=False, width=WIDE))
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))


def _tell(console: Console, run: Run, reports: Reports, trust: Trust | None) -> None:
    console.print(_head(run, reports))
    console.print()
    console.print(_chips(reports))
    console.print()
    console.print(_activity(run))
    console.print()
    console.print(_layers(run, reports))
    if trust is not None:
        console.print()
        console.print(_three(trust))
    for title, lines in _remarks(run, reports, trust):
        console.print()
        console.print(_listed(title, lines))


def _head(run: Run, reports: Reports) -> Table:
    manifest, card = run.manifest, run.manifest.card
    title = f"  {card['title']}, {card['parameters']:,} parameters" if card else ""
    rows = [("model", f"{manifest.model}{title}"), ("clip", _clip(run))]
    if manifest.activity not in ACTIVITY:
        rows.append(("weights", WEIGHTS.get(manifest.weights, manifest.weights)))
    rows += [("accuracy", line) for line in _accuracy(card, reports)]
    if note := card.get("note"):
        rows.append(("note", note))
    return _grid(rows)


def _clip(run: Run) -> str:
    if run.manifest.activity in ACTIVITY:
        return ACTIVITY[run.manifest.activity]
    where = run.manifest.clip.get("source", "unknown")
    return f"{where}, {run.steps} steps × {run.samples} sample{'s' * (run.samples > 1)}"


def _accuracy(card: Mapping[str, Any], reports: Reports) -> list[str]:
    """Published accuracies, each with the energy at the view count that it belongs to."""
    first = next(iter(reports.values()))
    lines = []
    for entry in card.get("accuracy", ()):
        energy = f"{figure(first.joules_per_view * entry['views'] * 1e3)} mJ"
        lines.append(f"{entry['text']}; at that view count {energy} on {first.profile.name}")
    return lines


def _chips(reports: Reports) -> Table:
    table = _table("chip", "mJ/video", "low to high", "ms/video", "host's part", "convention")
    for name, report in reports.items():
        scale, seconds = report.per_video * 1e3, report.seconds_per_video
        table.add_row(
            Text(name, style="bold"),
            Text(figure(report.joules * scale), style="bold"),
            _range(report.low * scale, report.high * scale),
            "not mapped" if seconds is None else figure(seconds * 1e3),
            f"{report.host_share():.1%}" if report.host_share() else "none",
            _convention(report),
        )
    return table


def _range(low: float, high: float) -> str:
    return f"{figure(low)} to {figure(high)}" if high > low else "no range given"


def _convention(report: EnergyReport) -> str:
    views, name = report.convention.views, report.convention.name
    told = views > 1 and f"views={views}" not in name
    return name.replace("+", " + ") + (f", {views} views" if told else "")


def _activity(run: Run) -> Table:
    rates = run.firing_rates()
    synops = run.synaptic_operations() / run.samples
    rows = [("SynOps", f"{tally(synops)} per view, as counted")]
    if rates:
        low, high = min(rates, key=lambda n: rates[n]), max(rates, key=lambda n: rates[n])
        rows.append(
            (
                "firing rate",
                f"{run.mean_firing_rate():.4f} spikes per neuron and step, mean of {len(rates)} "
                f"layers; {rates[low]:.4f} ({low}) to {rates[high]:.4f} ({high})",
            )
        )
    return _grid(rows)


def _layers(run: Run, reports: Reports) -> Table:
    """The largest layers of the first chip: SynOps, rate, and mJ per video on each chip."""
    shown = dict(list(reports.items())[:CHIPS])
    table = _table("largest layers, mJ/video on", *shown, "SynOps", "rate")
    joules = [r.by_node() for r in shown.values()]
    ranked = sorted((n for n in joules[0] if n in run.facts), key=lambda n: -joules[0][n])[:LAYERS]
    rates = run.firing_rates()
    for node in ranked:
        synops = sum(run.counts.get(node, event) for event in SYNAPTIC) / run.samples
        rate = f"{rates[node]:.4f}" if node in rates else ""
        table.add_row(node, *_mj([node], joules, shown), tally(synops) if synops else "", rate)
    others = dict.fromkeys(n for by in joules for n in by if n not in ranked)
    layers, apart = [n for n in others if n in run.facts], [n for n in others if n not in run.facts]
    if layers:
        table.add_row(f"{len(layers)} more layers", *_mj(layers, joules, shown))
    for name in apart:  # static energy and hosts
        table.add_row(name, *_mj([name], joules, shown))
    return table


def _mj(nodes: list[str], joules: list[dict[str, float]], reports: Reports) -> list[str]:
    """A cell a chip: the energy of these nodes, empty where the chip bills them nothing."""
    cells = []
    for by, report in zip(joules, reports.values(), strict=True):
        found = [by[n] for n in nodes if n in by]
        cells.append(figure(sum(found) * report.per_video * 1e3) if found else "")
    return cells


def _three(trust: Trust) -> Table:
    """The energies side by side, and what each was spent on."""
    from neurosim.cli import trust as beside

    table = _table(*beside.head(trust.energies))
    for row in beside.rows(trust.energies):
        table.add_row(*(Text(cell, style="bold" if row[0] == "total" else "") for cell in row))
    return table


def _remarks(run: Run, reports: Reports, trust: Trust | None) -> Iterable[tuple[str, list[str]]]:
    if trust is not None:
        from neurosim.cli import trust as beside

        yield "three energies", beside.remarks(trust.energies)
    if found := warnings(run, trust):
        yield "warnings (--silence NAME leaves one out)" if trust else "warnings", found
    for name, report in reports.items():
        if report.opaque:
            yield f"{name}: run through torch, billed as arithmetic", list(report.opaque)
        yield f"{name}: not included", _not_included(report)
        if report.notes:
            yield f"{name}: notes", list(report.notes)


def _not_included(report: EnergyReport) -> list[str]:
    """Event (count) by reason; everything is listed."""
    reasons: dict[str, list[str]] = {}
    for item in report.not_included:
        count = f" ({tally(item.quantity)})" if item.quantity else ""
        reasons.setdefault(item.why, []).append(item.event + count)
    return [f"{', '.join(events)}: {why}" for why, events in reasons.items()] or ["nothing"]


def _listed(title: str, lines: Iterable[str]) -> Group:
    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row("  -", Text(line))
    return Group(Text(title, style="bold"), grid)


def _grid(rows: Iterable[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in rows:
        grid.add_row(key, Text(value))
    return grid


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in others:
        side = "left" if name == "convention" else "right"
        table.add_column(name, justify=side, overflow="fold")
    return table
