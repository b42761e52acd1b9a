"""What unplaced figures leave out is said of the chips that have cores, and of no others."""

from __future__ import annotations

import neurosim as ns
from neurosim.cli.show import print_not_placed
from neurosim.studies.not_placed import NOT_PLACED, lines, not_placed


def test_chips_with_cores_say_it_and_asynchronous_ones_why_nothing_places_them(capsys):
    names = ["cmos_45nm", "loihi1", "speck", "truenorth"]
    found = not_placed(map(ns.load_profile, names))
    assert found["loihi1"] == found["truenorth"] == NOT_PLACED and "cmos_45nm" not in found
    assert "asynchronous" in found["speck"] and "neurosim map" not in found["speck"]
    assert lines(found)[0] == f"loihi1, truenorth: {NOT_PLACED}" and len(lines(found)) == 2
    print_not_placed(found)
    assert capsys.readouterr().out.splitlines() == lines(found)
