"""Every measured case is a row, with its error, and what is no test says so."""

from __future__ import annotations

import pytest

from neurosim.hardware import load_profile
from neurosim.studies.reproduce_silicon import (
    SiliconRow,
    _pilotnet_graph,
    cases,
    reproduce_silicon,
)


@pytest.fixture(scope="module")
def rows() -> list[SiliconRow]:
    return reproduce_silicon()


def test_none_is_hidden(rows: list[SiliconRow]) -> None:
    measured = [(c["id"], m["quantity"]) for c in cases() for m in c["measured"]]
    assert [(r.id, r.quantity) for r in rows] == measured
    assert {r.id for r in rows} == {
        "blouw_kws_slope", "pilotnet_snn_l2", "truenorth_sweep", "sanafe_dvs_oracle",
    }  # fmt: skip
    for row in rows:
        assert row.relative_error == row.computed / row.measured - 1
        assert row.reason and row.source and set(row.to_dict()) >= {"id", "chip", "relative_error"}


def test_what_was_made_from_a_measurement_is_no_test_of_it(rows: list[SiliconRow]) -> None:
    fixed = [r for r in rows if not r.independent]
    assert len(fixed) == 5 and all(r.reason.startswith("no test:") for r in fixed)
    assert all(abs(r.relative_error) < 0.01 for r in fixed)


def test_truenorth_is_the_line_through_its_ends(rows: list[SiliconRow]) -> None:
    profile = load_profile("truenorth")
    assert profile.static is not None
    event = profile.prices["synapse"].value or 0.0
    for row, rate in zip(
        (r for r in rows if r.id == "truenorth_sweep"), (11.58, 95.93), strict=True
    ):
        watts = profile.static.value + event * round(rate * 1048576 * 128)
        assert row.computed == pytest.approx(watts * 1e3)


def test_keyword_spotting_by_hand(rows: list[SiliconRow]) -> None:
    """Ten layers of 256: every neuron-step with input, a tenth of all neurons firing, and hops."""
    (row,) = [r for r in rows if r.id == "blouw_kws_slope"]
    updates, events = 10 * 2560 * 81e-6, 0.1 * 10 * 2560 * 256 * 23.6e-6  # µJ
    assert row.computed == pytest.approx(updates + events, rel=5e-3) and row.computed > 16


def test_the_simulators_case_is_equal_to_rounding(rows: list[SiliconRow]) -> None:
    off = [abs(r.relative_error) for r in rows if r.id == "sanafe_dvs_oracle"]
    assert len(off) == 2 and max(off) < 1e-9


def test_pilotnet_has_the_published_neurons_and_macs() -> None:
    graph = _pilotnet_graph(2)
    assert sum(n.known.neurons for n in graph.neurons()) == 158_509
    assert sum(graph.dense_macs().values()) / 2 == 14_550_054
