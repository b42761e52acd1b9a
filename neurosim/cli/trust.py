"""What stands beside the figures: the three energies in one table, and the lint's warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.energy.groups import GROUPS, by_group
from neurosim.energy.lint import Finding, check_names, lint
from neurosim.energy.report import EnergyReport
from neurosim.energy.sensitivity import Swing, sensitivity
from neurosim.energy.three import EnergyLine, is_chip
from neurosim.ir.graph import Graph
from neurosim.ir.run import Run

HEAD = ("profile", "convention", "total", "all prices low", "5 % of draws", "95 % of draws",
        "all prices high")  # fmt: skip


@dataclass(frozen=True)
class Trust:
    """Of one run and its reports."""

    energies: tuple[EnergyLine, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "three_energies": [line.to_dict() for line in self.energies],
            "lint": [found.to_dict() for found in self.findings],
        }


def trust(
    run: Run, reports: Mapping[str, EnergyReport], silence: Iterable[str] = (),
    graph: Graph | None = None, convention: Any = None, counts: Mapping[str, Any] | None = None,
) -> Trust:  # fmt: skip
    """Raises UnknownName: ``silence`` names no rule."""
    from neurosim.studies.three import three

    findings = lint(run, reports, check_names(silence))
    return Trust(three(run, reports, graph, convention, counts), findings)


def head(lines: Iterable[EnergyLine]) -> tuple[str, ...]:
    """First cells of the columns."""
    return ("three energies, mJ/video", *(line.title for line in lines))


def rows(lines: Iterable[EnergyLine]) -> list[list[str]]:
    """Profile, convention, total, its range, and what it was spent on."""
    from neurosim.cli.show import figure

    columns = [_column(line, figure) for line in lines]
    keys = [k for k in (*HEAD, *GROUPS) if any(k in column for column in columns)]
    return [[key, *(column.get(key, "") for column in columns)] for key in keys]


def _column(line: EnergyLine, figure: Any) -> dict[str, str]:
    if line.report is None:
        return {"profile": line.profile, "total": "unknown"}
    report, scale = line.report, line.report.per_video * 1e3
    found = {
        "profile": line.profile,
        "convention": report.convention.name,
        "total": figure(report.joules * scale),
        **{name: figure(joules * 1e3) for name, joules in by_group(report).items()},
    }
    drawn = line.spread
    if drawn is not None and report.high > report.low:
        found["all prices low"] = figure(report.low * scale)
        found["5 % of draws"] = figure(drawn.p05 * 1e3)
        found["95 % of draws"] = figure(drawn.p95 * 1e3)
        found["all prices high"] = figure(report.high * scale)
    return found


def remarks(lines: Iterable[EnergyLine]) -> list[str]:
    """How the ranges were drawn, what the memory assumes, and why an energy is unknown."""
    found: list[str] = []
    for line in lines:
        if line.report is None:
            found.append(f"{line.title}: {line.why_not}")
        elif line.spread is not None and not found:
            found.append(f"draws of the prices: {line.spread.how()}; each price alone, all its "
                         "events alike")  # fmt: skip
        found += [] if line.report is None else _of(line, line.report)
    return found


def _widest(swing: Swing) -> str:
    from neurosim.cli.show import figure

    ends = f"{figure(swing.low * 1e3)} to {figure(swing.high * 1e3)} mJ"
    return f"moved most by the price of {swing.price.partition('.')[2]}, alone {ends}"


def _of(line: EnergyLine, report: EnergyReport) -> list[str]:
    """The dataflow of a memory, the price that moves the total most, and why a chip's leakage is
    not in its joules.
    """
    notes = [report.profile.dataflow.note] if report.profile.memory else []
    if swings := sensitivity(report).swings:
        notes.append(_widest(swings[0]))
    if is_chip(report) and "static" not in report.by_node():
        notes += [e.why for e in report.not_included if e.event == "static"]
    return [f"{line.title}: {note}" for note in notes if note]
