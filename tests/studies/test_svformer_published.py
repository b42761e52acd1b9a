"""SVFormer's published rates on 45 nm: what the usual rules give (not the paper's 21 mJ)."""

from __future__ import annotations

import pytest

import neurosim as ns

RULES = {
    "positions": "padded",
    "spike_products": "spikingformer",
    "bias": "none",
    "neuron_updates": "none",
    "other_arithmetic": "none",
    "per_step_affine": "free",
}
MJ = {
    ("padded", "mac"): 16.00,
    ("padded", "ac"): 8.46,
    ("padded", "inherit"): 6.88,
    ("existing", "mac"): 15.84,
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_svformer_on_its_published_rates() -> None:
    import torch

    model = ns.models.load("svformer")
    rates = {n: e["rate"] for n, e in (ns.models.published("svformer") or {})["plif"].items()}
    found = ns.estimate(model, torch.zeros(16, 1, 3, 224, 224), rates=rates)
    for (positions, real), expected in MJ.items():
        changed = {**RULES, "positions": positions, "real_into_weights": real}
        report = ns.price(found.run, "cmos_45nm", **changed)
        assert report.joules_per_video * 1e3 == pytest.approx(expected, abs=0.005)
    for name, expected in (("svformer_a", 16.00), ("svformer_b", 8.46), ("svformer_c", 6.88)):
        report = ns.price(found.run, "cmos_45nm", convention=name)
        assert report.joules_per_video * 1e3 == pytest.approx(expected, abs=0.005)
