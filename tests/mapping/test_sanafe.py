"""Our chip against SANA-FE's own runs of the same networks on the same cores.

Its figures are recorded (``studies/sanafe_runs.json``; how is said there), so they are checked
everywhere. The tests that run it (GPL-3, as a separate program) are skipped where it is not
installed.
"""

from __future__ import annotations

import json
import statistics
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import neurosim
from benchmarks.chip_networks import NETWORKS, ChipNetwork, dvs_gesture
from benchmarks.chip_time import Ours, ours, sanafe, shipped

RUNS = json.loads((Path(neurosim.__file__).parent / "studies" / "sanafe_runs.json").read_text())
FAST = ["dense 64", "dense 128", "sparse 64", "sparse 128",
        "convolution 4", "convolution 8", "convolution 4 padded"]  # fmt: skip
LARGE = ["dense 256", "sparse 256", "convolution 16"]
ABSENT = "SANA-FE 2.2.9 is not installed (pip install --no-deps --target DIR sanafe==2.2.9)"


@cache
def network(name: str) -> ChipNetwork:
    return NETWORKS[name]()


@cache
def our(name: str) -> Ours:
    return ours(network(name))


def same(mine: Ours, theirs: dict[str, Any]) -> None:
    """Counts equal, joules to 1e-9, simple times to 1e-6."""
    assert mine.counts == {k: theirs[k] for k in mine.counts}
    assert mine.joules == pytest.approx(theirs["joules"], rel=1e-9, abs=0)
    assert mine.simple == pytest.approx(theirs["simple_s"], rel=1e-6, abs=0)


@pytest.mark.parametrize("name", FAST)
def test_counts_energy_and_simple_time_are_theirs(name: str) -> None:
    same(our(name), RUNS["runs"][network(name).name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_counts_energy_and_simple_time_of_the_largest(name: str) -> None:
    same(our(name), RUNS["runs"][network(name).name])


def test_detailed_times_within_one_per_cent_on_the_median_and_three_at_worst() -> None:
    off = [abs(our(n).detailed / RUNS["runs"][network(n).name]["detailed_s"] - 1) for n in FAST]
    assert len(off) >= 5 and statistics.median(off) <= 0.01 and max(off) <= 0.03


def test_the_packaged_networks_record_is_what_its_users_expect() -> None:
    held = RUNS["runs"]["DVS gesture"]
    assert held["spikes"] == 51_549_374 and held["neurons_fired"] == 365_277
    assert held["joules"] == pytest.approx(3.440570683e-3, rel=1e-9)
    assert held["ours"]["joules"] == pytest.approx(held["joules"], rel=1e-9)


@pytest.mark.skipif(shipped() is None, reason=ABSENT)
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_packaged_network_on_its_tutorials_cores() -> None:
    path = shipped()
    assert path is not None
    mine, held = ours(dvs_gesture(path)), RUNS["runs"]["DVS gesture"]
    same(mine, held)
    assert mine.detailed == pytest.approx(held["detailed_s"], rel=0.03)


@pytest.mark.skipif(shipped() is None, reason=ABSENT)
@pytest.mark.parametrize("name", ["dense 64", "sparse 64", "convolution 4"])
def test_the_record_is_what_it_says_today(name: str) -> None:
    held, live = RUNS["runs"][network(name).name], sanafe(network(name), "simple")
    assert {k: live[k] for k in our(name).counts} == {k: held[k] for k in our(name).counts}
    assert live["energy"]["total"] == pytest.approx(held["joules"], rel=1e-12)
    assert live["sim_time"] == pytest.approx(held["simple_s"], rel=1e-12)
