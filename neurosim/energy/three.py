"""Three energies of one run side by side: arithmetic alone, with memory, and of a whole chip.

The first two are the same bill under the same convention: with memory = arithmetic + words. A
chip's prices hold its memory, so nothing is counted twice; its line is a bill of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurosim.energy.groups import by_group, by_layer
from neurosim.energy.price import price
from neurosim.energy.report import EnergyReport
from neurosim.energy.sensitivity import sensitivity
from neurosim.energy.spread import Spread, spread
from neurosim.errors import UnpricedEvents
from neurosim.hardware.convention import Convention
from neurosim.ir.run import Run

ARITHMETIC, MEMORY, REUSE = "cmos_45nm", "cmos_45nm_memory", "cmos_45nm_memory_reuse"
CONVENTION = "exact"
TITLES = {
    ARITHMETIC: "arithmetic only",
    MEMORY: "memory, no reuse",
    REUSE: "memory, full reuse",
}


@dataclass(frozen=True)
class EnergyLine:
    """One of the energies: a report under a title, or why there is none."""

    title: str
    profile: str
    report: EnergyReport | None
    why_not: str = ""

    @property
    def spread(self) -> Spread | None:
        """Joules per video over the range of the prices."""
        return None if self.report is None else spread(self.report)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; energies in mJ per video."""
        found: dict[str, Any] = {"title": self.title, "profile": self.profile}
        if self.report is None:
            return {**found, "mj_per_video": None, "why_not": self.why_not}
        report, scale = self.report, self.report.per_video * 1e3
        drawn = spread(report)
        return {
            **found,
            "convention": report.convention.name,
            "dataflow": report.profile.dataflow.kind if report.profile.memory else None,
            "mj_per_video": report.joules * scale,
            "mj_low": report.low * scale,
            "mj_high": report.high * scale,
            "mj_p05": drawn.p05 * 1e3,
            "mj_p95": drawn.p95 * 1e3,
            "drawn": drawn.how(),
            "by_group": {name: joules * 1e3 for name, joules in by_group(report).items()},
            "by_layer": {
                layer: {name: joules * 1e3 for name, joules in parts.items()}
                for layer, parts in by_layer(report).items()
            },
            "sensitivity": [
                {"price": s.price, "mj_low": s.low * 1e3, "mj_high": s.high * 1e3, "share": s.share}
                for s in sensitivity(report).swings
            ],
            "prices_without_range": dict(sensitivity(report).fixed),
        }


def three_energies(
    run: Run,
    chips: Iterable[EnergyReport] = (),
    convention: str | Convention | None = None,
    counts: Mapping[str, Any] | None = None,
    why_no_chip: str = "no chip was asked for",
) -> tuple[EnergyLine, ...]:
    """Arithmetic, memory without and with reuse, and each whole chip among ``chips``.

    ``convention``, ``counts``: of the first three, ``exact`` unless given; a chip's line is the
    report that was handed over. An energy that cannot be priced says why instead.
    """
    rules = convention or CONVENTION
    lines = [_line(run, name, rules, counts or {}) for name in TITLES]
    whole = [r for r in chips if is_chip(r)]
    if not whole:
        return (*lines, EnergyLine("whole chip", "", None, why_no_chip))
    return (*lines, *(EnergyLine(_title(r), r.profile.name, r) for r in whole))


def _line(run: Run, name: str, rules: str | Convention, counts: Mapping[str, Any]) -> EnergyLine:
    try:
        return EnergyLine(TITLES[name], name, price(run, name, convention=rules, **counts))
    except UnpricedEvents as error:
        return EnergyLine(TITLES[name], name, None, str(error))


def is_chip(report: EnergyReport) -> bool:
    """Whether a profile is of a machine: it has cores, leaks, or its prices hold everything."""
    profile = report.profile
    all_in = any(p.scope == "all_in" for p in profile.prices.values())
    return profile.fabric is not None or profile.static is not None or all_in


def lacks_static(report: EnergyReport) -> bool:
    """Whether a chip leaks and no joule stands for that: it was not placed."""
    return report.profile.static is not None and "static" not in report.by_node()


def _title(report: EnergyReport) -> str:
    """A chip whose leakage is in no joule is not whole yet."""
    return "chip, static unknown" if lacks_static(report) else "whole chip"
