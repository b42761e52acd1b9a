"""Hand-computed joules of a reference run, and the laws that every price list obeys."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from neurosim.energy import price
from neurosim.errors import ProfileError, UnknownName, UnpricedEvents
from neurosim.hardware import load_profile, profiles
from neurosim.ir.facts import NodeFacts
from tests.energy import reference
from tests.energy.reference import CELLS, COUNTS, SAMPLES, near

PRICED = [p for p in profiles() if p != "loihi2"]
pJ = 1e-12


def test_cmos_by_hand() -> None:
    report = price(reference.run(), "cmos_45nm", convention="exact")
    neuron = 32 * (0.9 + 3.7 + 0.9)  # one add, one multiply, one compare a neuron-step
    per_cell = 200 * 4.6 + 32 * 0.9 + neuron + 15 * 0.9 + 3 * 0.9 + 32 * 0.9
    assert report.joules == near(CELLS * per_cell * pJ, rel=1e-12)
    assert report.by_node()["fc"] == near(CELLS * 18 * 0.9 * pJ, rel=1e-12)
    assert report.joules_per_video == near(report.joules / SAMPLES, rel=1e-12)
    assert report.synaptic_operations_per_video == 15 * CELLS / SAMPLES


def test_loihi_by_hand() -> None:
    report = price(reference.run(), "loihi1")
    chip = CELLS * (20 * 81 + 12 * 52 + 15 * 23.6)
    host = CELLS * (200 * 4.6 + 32 * 0.9)  # real MACs and the residual; biases are not billed
    assert report.by_node()["lif"] == near(CELLS * (20 * 81 + 12 * 52) * pJ, rel=1e-12)
    assert report.by_node()["host cmos_45nm (assumed)"] == near(host * pJ, rel=1e-12)
    assert report.joules == near((chip + host) * pJ, rel=1e-12)
    assert report.host_share() == near(host / (chip + host))
    why = {e.event: e.why for e in report.not_included}
    assert "not mapped" in why["static"] and "not mapped" in why["hop_ew"] and "bias" in why["add"]


@pytest.mark.parametrize("name", PRICED)
def test_every_profile_prices_and_sums_agree(name: str) -> None:
    report = price(reference.run(), name)
    assert report.joules > 0 and report.low <= report.joules <= report.high
    for parts in (report.by_node(), report.by_op(), report.by_event(), report.by_price()):
        assert math.isclose(math.fsum(parts.values()), report.joules, rel_tol=1e-12)
    assert math.isclose(report.by_step().sum(), report.joules, rel_tol=1e-12)
    assert math.isclose(report.by_sample().sum(), report.joules, rel_tol=1e-12)
    assert json.loads(report.to_json())["mj_per_video"] == report.joules_per_video * 1e3


@pytest.mark.parametrize("name", PRICED)
def test_price_is_linear_in_samples(name: str) -> None:
    once, thrice = (price(reference.run(samples=n), name).joules for n in (1, 3))
    assert thrice == near(3 * once, rel=1e-12)


@pytest.mark.parametrize("name", ["cmos_45nm", "cmos_45nm_memory", "loihi1", "truenorth"])
def test_price_is_linear_in_counts(name: str) -> None:
    tripled = reference.run({k: 3 * v for k, v in COUNTS.items()})
    assert price(tripled, name).joules == near(3 * price(reference.run(), name).joules)


@pytest.mark.parametrize("name", PRICED)
def test_nothing_is_dropped(name: str) -> None:
    """Every counted event is billed, or listed with its count as not included."""
    report = price(reference.run(), name, convention="exact")
    billed = {(r.node, r.event) for r in report.rows}
    left = {e.event for e in report.not_included}
    observed = {"synapse_zero", "activation_read" if name.endswith("lemaire") else "synapse_zero"}
    update = {
        "neuron_active",
        "neuron_idle",
        "spike",
    }  # turned into neuron_update by this convention
    for node, event in COUNTS:
        known = (node, event) in billed or event in left or event in observed or event in update
        assert known or load_profile(name).dataflow.kind == "lemaire", (node, event)


def test_a_missing_event_is_named_with_its_nodes_at_once() -> None:
    with pytest.raises(UnpricedEvents) as caught:
        price(reference.run(), "loihi2")
    message = str(caught.value)
    assert "'lif'" in message and "'fc'" in message and "loihi2_proxy_loihi1" in message
    assert "\n" not in message


def test_impossible_event_needs_a_host() -> None:
    nodes = {**reference.facts()}
    nodes["fc"] = replace(nodes["fc"], in_kinds=("graded",))
    counts = {("fc", "graded_synapse"): 7, ("fc", "graded_unit"): 21, ("fc", "activation_read"): 3}
    run = reference.run(counts, nodes)
    with pytest.raises(UnpricedEvents, match="'fc'.*--host"):
        price(run, "loihi1", graded="event")
    hosted = price(run, "loihi1", host="cmos_45nm", graded="event")
    assert hosted.joules == near(CELLS * 7 * 0.9 * pJ)
    assert price(run, "loihi1").joules == near(CELLS * 21 * 23.6 * pJ)


class TwoChips:
    """A placement made by hand."""

    chips = 2
    encodings: dict[str, str] = {}

    def notes(self, run: object) -> tuple[str, ...]:
        """Said in the report."""
        return ("placed by hand",)

    def seconds(self, run: object) -> float:
        """One forward."""
        return 1e-3

    def traffic(self, run: object) -> dict[tuple[str, str], int]:
        """Of the whole run."""
        return {("lif", "hop_ew"): 10, ("lif", "message"): 4}


def test_placement_adds_hops_static_energy_and_latency() -> None:
    report = price(reference.run(), "loihi1", TwoChips(), views=3)
    assert report.by_event()["hop_ew"] == near(30 * pJ)
    assert report.by_node()["static"] == near(0.1044 * 1e-3 * 2 * SAMPLES)
    assert report.seconds_per_video == near(3e-3)
    assert report.joules_per_video == near(report.joules / SAMPLES * 3)
    assert "message" in {e.event for e in report.not_included}
    assert report.notes[-1] == "placed by hand"


def test_encoding_decides_the_price() -> None:
    report = price(reference.run(), "loihi1_sanafe", idle_rule="no_event", input_neurons=False)
    assert report.by_event()["synapse"] == near(CELLS * 15 * 35.5 * pJ)
    assert report.by_event()["spike"] == near(CELLS * 5 * 69.3 * pJ)
    nodes = {**reference.facts(), "fc": replace(reference.facts()["fc"], weight_zeros=90)}
    sparse = price(reference.run(nodes=nodes), "loihi1_sanafe")
    assert sparse.by_event()["synapse"] == near(CELLS * 15 * 33.6 * pJ)


def test_bits_decide_the_price() -> None:
    nodes = {**reference.facts(), "fc": replace(reference.facts()["fc"], weight_bits=8)}
    report = price(reference.run(nodes=nodes), "cmos_7nm")
    assert report.by_event()["synapse"] == near(CELLS * 15 * 0.007 * pJ)


def test_bare_counts_and_opaque_nodes_are_billed() -> None:
    node = NodeFacts("odd", "opaque", "opaque", 2, (), (), (), "real", note="custom op")
    run = reference.run(
        {("odd", "mac"): 9, ("odd", "add"): 1, ("other", "synapse"): 2}, {"odd": node}
    )
    report = price(run, "cmos_45nm", other_arithmetic="none", bias="none")
    assert report.by_node()["odd"] == near(CELLS * (9 * 4.6 + 0.9) * pJ)
    assert report.by_node()["other"] == near(CELLS * 2 * 0.9 * pJ)
    assert "odd (custom op)" in report.summary()


def test_summary_and_frame_say_what_is_missing() -> None:
    report = price(reference.run(activity="assumed", notes=("rates were given",)), "loihi1")
    text = report.summary()
    for part in (
        "ASSUMED",
        "rates were given",
        "not included",
        "static",
        "chip:",
        "host",
        "SynOps",
    ):
        assert part in text
    frame = report.to_dataframe()
    assert set(frame[frame["by"] == "not included"]["event"]) >= {"static", "hop_ew", "weight_read"}
    assert frame["joules"].sum() == near(report.joules, rel=1e-12)


@pytest.mark.parametrize(
    ("profile", "keys", "error", "text"),
    [
        ("loihi_1", {}, UnknownName, "loihi1"),
        ("loihi1", {"convention": "padde"}, UnknownName, "padded"),
        ("loihi1", {"bais": "none"}, UnknownName, "bias"),
        ("loihi1", {"positions": "padd"}, ProfileError, "padded"),
        ("loihi1", {"views": 0}, ProfileError, "at least 1"),
    ],
)
def test_wrong_names_offer_near_ones(
    profile: str, keys: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        price(reference.run(), profile, **keys)  # type: ignore[arg-type]


def test_all_profiles_price_quickly_and_without_torch() -> None:
    run = reference.run()
    for name in PRICED:
        price(run, name)
    start = time.perf_counter()
    for name in PRICED:
        price(run, name)
    assert time.perf_counter() - start < 0.2
    heavy = "{'torch', 'pandas'} & set(sys.modules)"
    code = f"import sys, neurosim.energy, neurosim.hardware; print({heavy})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert out.stdout.strip() == "set()", out.stderr
