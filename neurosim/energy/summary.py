"""A report in plain text, for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurosim.units import show

if TYPE_CHECKING:
    from neurosim.energy.line import Excluded
    from neurosim.energy.report import EnergyReport

_ACTIVITY = {
    "assumed": "ASSUMED ACTIVITY: expected counts from given rates, no clip was simulated",
    "published": "PUBLISHED ACTIVITY: expected counts from published rates, no clip was simulated",
}


def tally(count: float) -> str:
    """A number of events: 1,576, or 1,576.5 where a mean is not whole."""
    return f"{count:,.1f}".removesuffix(".0")


def summarise(report: EnergyReport, layers: int = 8) -> str:
    """The total first, then where it comes from, then what is not in it."""
    parts = [
        _head(report),
        _warnings(report),
        _table("largest layers", report.by_node(), report, layers),
        _table("by event", report.by_event(), report, 12),
        _not_included(report.not_included),
        _bullets("notes", report.notes),
    ]
    return "\n".join(line for part in parts for line in part)


def _head(report: EnergyReport) -> list[str]:
    scale, views = report.per_video, report.convention.views
    low, high = report.low * scale, report.high * scale
    span = f"  ({show(low, 'J')} to {show(high, 'J')})" if high > low else ""
    per_view = f"  = {views} views × {show(report.joules_per_view, 'J')}" if views > 1 else ""
    seconds = report.seconds_per_video
    latency = "not included: not mapped" if seconds is None else f"{show(seconds, 's')} per video"
    lines = [
        f"{report.profile.name}: {show(report.joules_per_video, 'J')} per video{span}{per_view}",
        f"  chip        {report.profile.title}",
        f"  convention  {report.convention.name}: {report.convention.title}",
        f"  SynOps      {tally(report.synaptic_operations_per_video)} per video, as counted",
        f"  latency     {latency}",
    ]
    if share := report.host_share():
        lines.append(
            f"  host        {share:.1%} of the energy is the host's (assumed), not the chip's"
        )
    return lines


def _warnings(report: EnergyReport) -> list[str]:
    manifest = report.manifest
    found = [_ACTIVITY[manifest.activity]] if manifest.activity in _ACTIVITY else []
    if manifest.weights == "untrained":
        found.append("untrained weights: the firing rates mean nothing yet")
    if report.opaque:
        found.append(f"run through torch and billed as arithmetic: {', '.join(report.opaque)}")
    found += list(manifest.notes)
    return _bullets("warnings", found)


def _table(title: str, joules: dict[str, float], report: EnergyReport, most: int) -> list[str]:
    if not joules:
        return [f"  {title}: none"]
    ranked = sorted(joules.items(), key=lambda item: -item[1])
    width = max(len(name) for name, _ in ranked[:most])
    lines = [f"  {title}"]
    lines += [_entry(name.ljust(width), value, report) for name, value in ranked[:most]]
    if rest := ranked[most:]:
        lines.append(_entry(f"{len(rest)} more".ljust(width), sum(v for _, v in rest), report))
    return lines


def _entry(name: str, value: float, report: EnergyReport) -> str:
    share = value / report.joules if report.joules else 0.0
    return f"    {name}  {show(value * report.per_video, 'J'):>10}  {share:6.1%}"


def _not_included(excluded: Iterable[Excluded]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for item in excluded:
        count = "" if not item.quantity else f" ({tally(item.quantity)})"
        reasons.setdefault(item.why, []).append(item.event + count)
    return _bullets(
        "not included", [f"{', '.join(events)}: {why}" for why, events in reasons.items()]
    )


def _bullets(title: str, items: Iterable[str]) -> list[str]:
    lines = [f"    {item}" for item in items]
    return [f"  {title}", *lines] if lines else []
