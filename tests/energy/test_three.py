"""Three energies: nested where they say so, every joule in one group, nothing twice."""

from __future__ import annotations

import math

import pytest

from neurosim.energy import price
from neurosim.energy.groups import ARITHMETIC, GROUPS, MEMORY, by_group, by_layer, group
from neurosim.energy.report import EnergyReport, Row
from neurosim.energy.three import EnergyLine, three_energies
from neurosim.hardware import profiles
from tests.energy import reference
from tests.energy.reference import near
from tests.energy.test_price import TwoChips


def lines(**counts: object) -> dict[str, EnergyLine]:
    """Profile → line, with a placed chip."""
    run = reference.run()
    chip = price(run, "loihi1", TwoChips())
    return {line.profile: line for line in three_energies(run, [chip], counts=counts)}


def report(line: EnergyLine) -> EnergyReport:
    assert line.report is not None
    return line.report


def key(row: Row) -> tuple[str, str, str]:
    return row.node, row.event, row.billed


def test_memory_is_arithmetic_plus_words_row_by_row() -> None:
    found = lines()
    plain, full = report(found["cmos_45nm"]), report(found["cmos_45nm_memory"])
    assert plain.convention == full.convention
    kept = {key(r): r.joules for r in full.rows if group(r) in ARITHMETIC}
    assert kept == {key(r): r.joules for r in plain.rows}
    words = math.fsum(r.joules for r in full.rows if group(r) in MEMORY)
    assert full.joules == near(plain.joules + words)


def test_reuse_lies_between_arithmetic_and_no_reuse() -> None:
    found = lines()
    plain, once, full = (report(found[n]).joules for n in (
        "cmos_45nm", "cmos_45nm_memory_reuse", "cmos_45nm_memory"))  # fmt: skip
    assert plain < once < full


def test_layers_and_groups_are_two_sums_of_the_same_joules() -> None:
    found = report(lines()["loihi1"])
    layers = by_layer(found)
    assert "static" in layers and set(layers["static"]) == {"static"}
    for name, joules in by_group(found).items():
        assert math.fsum(parts.get(name, 0.0) for parts in layers.values()) == near(joules)


def test_a_chips_words_are_inside_its_prices() -> None:
    found = by_group(report(lines()["loihi1"]))
    assert not set(found) & set(MEMORY)
    assert {"synaptic operations", "neurons", "network", "host", "static"} == set(found)


@pytest.mark.parametrize("name", [p for p in profiles() if p != "loihi2"])
def test_every_joule_is_in_one_group(name: str) -> None:
    found = price(reference.run(), name, TwoChips() if name.startswith("loihi") else None)
    parts = by_group(found)
    assert set(parts) <= set(GROUPS)
    assert math.fsum(parts.values()) == near(found.joules_per_video)


def test_a_convention_reaches_the_first_three_and_not_the_chip() -> None:
    found = lines(views=3)
    assert {n: report(x).convention.views for n, x in found.items()} == {
        "cmos_45nm": 3, "cmos_45nm_memory": 3, "cmos_45nm_memory_reuse": 3, "loihi1": 1,
    }  # fmt: skip


def test_what_cannot_be_priced_says_why() -> None:
    bare = reference.run({("fc", "synapse"): 5, ("fc", "weight_read"): 5}, {})
    by = {line.profile: line for line in three_energies(bare)}
    assert by["cmos_45nm"].report is not None
    assert by["cmos_45nm_memory"].report is None and "needs facts" in by["cmos_45nm_memory"].why_not
    assert by["cmos_45nm_memory"].to_dict()["mj_per_video"] is None
    assert by[""].why_not == "no chip was asked for"


def test_a_chip_without_its_leakage_is_not_called_whole() -> None:
    run = reference.run()
    unplaced, placed = price(run, "loihi1"), price(run, "loihi1", TwoChips())
    titles = [x.title for x in three_energies(run, [unplaced, placed])[3:]]
    assert titles == ["chip, static unknown", "whole chip"]


def test_document_names_convention_dataflow_and_draws() -> None:
    found = lines()["cmos_45nm_memory"].to_dict()
    assert found["convention"] == "exact" and found["dataflow"] == "counted"
    assert found["mj_low"] <= found["mj_p05"] < found["mj_p95"] <= found["mj_high"]
    assert math.fsum(found["by_group"].values()) == near(found["mj_per_video"])
    assert "seed 0" in found["drawn"]
    assert [x["price"] for x in found["sensitivity"]] == ["cmos_45nm_memory.sram"]
    assert "cmos_45nm_memory.mac" in found["prices_without_range"]
