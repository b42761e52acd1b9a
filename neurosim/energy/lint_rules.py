"""Rules of the lint for energy claims: (run, report) → what a reviewer would object to, or ""."""

from __future__ import annotations

import math

from neurosim.energy.bill import AFFINE
from neurosim.energy.groups import MEMORY as WORDS
from neurosim.energy.groups import by_group
from neurosim.energy.report import EnergyReport, Row
from neurosim.energy.summary import tally
from neurosim.energy.three import is_chip
from neurosim.ir.events import MEMORY
from neurosim.ir.run import Run


def real_as_spikes(run: Run, report: EnergyReport) -> str:
    """Real operands billed as accumulations, or integers as one spike each."""
    real = [r for r in report.rows if r.event in ("mac", "masked_mac") and r.billed == "synapse"]
    whole = [r for r in report.rows if r.event == "graded_synapse" and r.billed == r.event]
    if real:
        rule = report.convention.real_into_weights
        return f"real inputs of {_layers(real)} are billed as spikes (real_into_weights={rule})"
    if whole and report.convention.graded == "event":
        return f"integer inputs of {_layers(whole)} are billed as one spike each (graded=event)"
    return ""


def unfolded_norms(run: Run, report: EnergyReport) -> str:
    """Norms that could not be folded and that the convention lets go free."""
    if report.convention.per_step_affine != "free":
        return ""
    names = [n for n, f in run.facts.items() if f.op in AFFINE and run.counts.get(n, "multiply")]
    names += [n for n, f in run.facts.items() if f.neuron.get("affine") in (True, "scale")]
    if not names:
        return ""
    return f"{len(names)} norms or scales that did not fold are free (per_step_affine=free)"


def stem_billed_once(run: Run, report: EnergyReport) -> str:
    """The first layer ran at several steps and is billed as at one."""
    if report.convention.stem != "once":
        return ""
    steps = [f.steps for n, f in run.facts.items() if f.stem and run.counts.get(n, "mac")]
    most = max(steps, default=1)
    return f"the first layer ran {most} steps and is billed once (stem=once)" if most > 1 else ""


def memory_ignored(run: Run, report: EnergyReport) -> str:
    """Words were moved and neither they nor the prices of a whole machine pay for it."""
    words = sum(run.counts.total(event) for event in MEMORY)
    if not words or is_chip(report) or any(name in by_group(report) for name in WORDS):
        return ""
    return f"{tally(words / run.samples)} words moved per view cost nothing"


def static_absent(run: Run, report: EnergyReport) -> str:
    """No joule stands for leakage, on its own or inside a price."""
    prices = report.profile.prices
    billed = {r.billed for r in report.rows if r.by == "chip" and r.billed in prices}
    inside = any(prices[name].scope == "all_in" for name in billed)
    return "" if inside or "static" in report.by_node() else "no static power is in the total"


def views_mismatch(run: Run, report: EnergyReport) -> str:
    """The energy is of so many views, the accuracy of others."""
    known = sorted({int(entry["views"]) for entry in run.manifest.card.get("accuracy", ())})
    views = report.convention.views
    if not known or views in known:
        return ""
    held = " or ".join(map(str, known))
    return f"the energy is of {_views(views)}, the accuracy of {held} (--count views={known[-1]})"


def untrained_rates(run: Run, report: EnergyReport) -> str:
    """The firing rates were measured on weights that nobody trained."""
    manifest = run.manifest
    if manifest.weights != "untrained" or manifest.activity != "measured":
        return ""
    return "weights UNTRAINED (seeded at random): rates and joules show the road, not the model"


def _layers(rows: list[Row]) -> str:
    """``3 layers (1,234 events)``."""
    nodes = {r.node for r in rows}
    events = math.fsum(r.quantity for r in rows)
    return f"{len(nodes)} layer{'s' * (len(nodes) > 1)} ({tally(round(events))} operations)"


def _views(number: int) -> str:
    return f"{number} view{'s' * (number > 1)}"
