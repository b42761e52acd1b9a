"""Strategies side by side, and a file that places the same again."""

from __future__ import annotations

import json

import pytest

import neurosim as ns
from neurosim.studies.map_chip import map_run
from tests.mapping.nets import conv_net
from tests.mapping.test_place import chip


def test_rows_are_those_of_placement_and_report() -> None:
    graph = conv_net()
    run = ns.activity_from_rates(graph, 0.2)
    study = map_run(graph, run, chip(neurons_per_core=30), "hops")
    assert [m.placement.strategy for m in study.mapped] == ["hops", "greedy", "balanced"]
    row, chosen = study.chosen.row(), study.chosen
    assert chosen.report is not None and row["mj_split"] is not None
    assert row["ms_per_video"] == chosen.placement.seconds(run) * 1e3
    assert sum(row["mj_split"].values()) == pytest.approx(row["mj_per_video"])
    joules = chosen.report.joules_per_video
    assert row["energy_delay_js"] == joules * chosen.placement.seconds(run)
    text = json.dumps(study.to_dict(), allow_nan=False)
    assert json.loads(text)["drain_steps"] == 3 and len(json.loads(text)["layers"]) == 3


def test_the_placement_file_places_the_same_again() -> None:
    graph, profile = conv_net(), chip(neurons_per_core=30)
    run = ns.activity_from_rates(graph, 0.2)
    study = map_run(graph, run, profile, "hops", compare=False)
    again = map_run(graph, run, profile, manual=study.placement_file(), compare=False)
    first, second = (s.chosen.placement for s in (study, again))
    for name, cores in first.cores.items():
        assert (first.at[cores] == second.at[second.cores[name]]).all()
    assert first.traffic(run) == second.traffic(run)


def test_a_chip_without_prices_has_cores_and_times_but_no_joules() -> None:
    graph = conv_net()
    study = map_run(graph, ns.activity_from_rates(graph, 0.2), "loihi2", compare=False)
    assert study.chosen.report is None and "proxy" in study.chosen.why
    assert study.to_dict()["mj_per_video"] is None and study.to_dict()["cores"] >= 1


def test_estimates_place_what_fits_and_say_why_not_otherwise() -> None:
    from neurosim.studies.estimate import place_all, price_all

    graph = conv_net()
    run = ns.activity_from_rates(graph, 0.2)
    tight = chip(axons_in_per_core=2, population_axons=False)
    placed, unplaced = place_all(graph, [tight, ns.load_profile("cmos_45nm")])
    assert not placed and "axons in" in unplaced["loihi1"]
    report = price_all(run, [tight], placed=placed, unplaced=unplaced)["loihi1"]
    why = {e.event: e.why for e in report.not_included}
    assert why["static"].startswith("not mapped: at 'n") and report.seconds_per_video is None
