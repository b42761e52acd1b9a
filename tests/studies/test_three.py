"""The chip of the three energies: those asked for, or one of its own, placed where a graph is."""

from __future__ import annotations

from neurosim.energy import price
from neurosim.studies.three import three
from tests.energy import reference
from tests.energy.test_price import TwoChips


def test_a_chip_that_was_asked_for_is_the_whole_chip() -> None:
    run = reference.run()
    report = price(run, "truenorth", TwoChips(), graded="unit", host="cmos_45nm")
    found = three(run, {"truenorth": report})
    assert [x.profile for x in found][3:] == ["truenorth"] and found[-1].report is report


def test_without_one_and_without_a_graph_its_leakage_is_unknown() -> None:
    run = reference.run()
    found = three(run, {"cmos_45nm": price(run, "cmos_45nm")})
    assert (found[-1].profile, found[-1].title) == ("loihi1", "chip, static unknown")


def test_a_chip_that_cannot_price_the_run_says_why() -> None:
    bare = reference.run({("fc", "add"): 3}, {})  # a bias or not? nobody said what fc is
    found = three(bare, {})
    assert found[-1].report is None and "needs facts" in found[-1].why_not


def test_all_lines_are_of_as_many_views_as_the_reports() -> None:
    run = reference.run()
    found = three(run, {"cmos_45nm": price(run, "cmos_45nm", views=15)})
    assert [x.report.convention.views for x in found if x.report] == [15] * 4
    given = three(run, {"cmos_45nm": price(run, "cmos_45nm", views=3)}, counts={"views": 3})
    assert [x.report.convention.views for x in given if x.report] == [3] * 4
