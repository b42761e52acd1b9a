"""The report as one HTML page without a script or a link to anything outside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurosim.cli.trust import Trust
from neurosim.energy.report import EnergyReport
from neurosim.energy.summary import tally
from neurosim.energy.three import EnergyLine
from neurosim.ir.run import Run

TEMPLATE = Path(__file__).with_name("page.html")
LAYERS = 15


def page(run: Run, reports: Mapping[str, EnergyReport], trust: Trust | None = None) -> str:
    """Every figure with its convention, its range and what is not included."""
    from jinja2 import Environment, StrictUndefined

    from neurosim.cli import trust as beside
    from neurosim.cli.show import figure, warnings

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(figure=figure, tally=tally)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        run=run, manifest=run.manifest, warnings=warnings(run, trust), rates=run.firing_rates(),
        three=_three(trust, beside),
        chips=[_chip(report) for report in reports.values()],
    )  # fmt: skip


def _three(trust: Trust | None, beside: Any) -> dict[str, Any] | None:
    """Head, rows and remarks of the three energies."""
    if trust is None:
        return None
    lines = trust.energies
    return {
        "head": beside.head(lines), "rows": beside.rows(lines), "notes": beside.remarks(lines),
        "picture": _picture(lines),
    }  # fmt: skip


def _picture(lines: Sequence[EnergyLine]) -> str:
    """Where the joules go, as an <svg> of the page; "" where no energy is known."""
    from neurosim.plots.joules import draw_joules, joule_table
    from neurosim.plots.style import rendered

    if all(line.report is None for line in lines):
        return ""
    text = rendered(draw_joules(joule_table(lines)), "svg").decode()
    return text[text.index("<svg") :]


def _chip(report: EnergyReport) -> dict[str, Any]:
    """Figures of one chip in mJ per video."""
    scale = report.per_video * 1e3
    nodes = sorted(report.by_node().items(), key=lambda item: -item[1])
    rest = sum(joules for _, joules in nodes[LAYERS:])
    layers = nodes[:LAYERS] + ([(f"{len(nodes) - LAYERS} more", rest)] if rest else [])
    largest = max((joules for _, joules in layers), default=0.0) or 1.0
    return {
        "report": report,
        "mj": report.joules * scale,
        "low": report.low * scale,
        "high": report.high * scale,
        "seconds": report.seconds_per_video,
        "layers": [(n, j * scale, 100 * j / largest) for n, j in layers],
        "events": [
            (e, j * scale) for e, j in sorted(report.by_event().items(), key=lambda i: -i[1])
        ],
    }
