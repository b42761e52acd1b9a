"""What joules were spent on: every row of a report in exactly one group."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from neurosim.hardware.billed import PLACED

if TYPE_CHECKING:
    from neurosim.energy.report import EnergyReport, Row

ARITHMETIC = ("synaptic operations", "MACs", "neurons", "other arithmetic")
MEMORY = ("weights", "states", "activations", "addressing", "DRAM")
SYSTEM = ("network", "host", "static")
GROUPS = (*ARITHMETIC, *MEMORY, *SYSTEM)
_NEURONS = ("neuron_active", "neuron_idle", "neuron_update", "neuron_affine", "spike")
_BY_EVENT = {"addressing": "addressing", "dram_read": "DRAM", **dict.fromkeys(_NEURONS, "neurons")}
_BY_BILLED = {
    "weight_read": "weights",
    "state_read": "states",
    "state_write": "states",
    "activation_read": "activations",
    "activation_write": "activations",
    "mac": "MACs",
    **dict.fromkeys(("synapse", "graded_synapse", "coincidence"), "synaptic operations"),
    **dict.fromkeys(PLACED, "network"),
}


def group(row: Row) -> str:
    """Who spent it, then what happened, then what it is billed as; else other arithmetic."""
    if row.by.startswith("host"):
        return "host"
    if row.by == "static":
        return "static"
    return _BY_EVENT.get(row.event) or _BY_BILLED.get(row.billed, "other arithmetic")


def by_layer(report: EnergyReport) -> dict[str, dict[str, float]]:
    """Layer (or host, static) → group → joules per video; every row of the report once."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in report.rows:
        found.setdefault(row.place, {}).setdefault(group(row), []).append(row.joules)
    return {
        layer: {name: math.fsum(part) * report.per_video for name, part in parts.items()}
        for layer, parts in found.items()
    }


def by_group(report: EnergyReport) -> dict[str, float]:
    """Group → joules per video, in the order of ``GROUPS``; groups without a row are left out."""
    found: dict[str, list[float]] = {name: [] for name in GROUPS}
    for row in report.rows:
        found[group(row)].append(row.joules)
    return {name: math.fsum(part) * report.per_video for name, part in found.items() if part}
