"""Step times by hand, fixed steps, and the messages level by level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import PlacementError
from neurosim.ir.counts import Counts
from neurosim.ir.run import Run
from neurosim.mapping.latency import link_seconds, work
from tests.mapping.nets import STEPS, clip_node, conv_net, lif, linear, run_of, weights
from tests.mapping.test_place import chip
from tests.ops.graphs import built

CORES = {"a": [0], "b": [4]}


def two_layers() -> ns.Graph:
    """3 events → 2 neurons on core 0 → 4 neurons on core 4, a tile to the north."""
    nodes = [clip_node((3,)), linear("w", "clip", "w"), lif("a", "w"), linear("v", "a", "v"),
             lif("b", "v")]  # fmt: skip
    return built(nodes, weights(0, w=(2, 3), v=(4, 2)), STEPS)


def counted(graph: ns.Graph) -> Run:
    """One sample whose counts are stated: a spike of each kind where it is easy to follow."""
    rows = {
        ("w", "synapse"): [6, 2, 0, 0], ("v", "synapse"): [0, 8, 4, 0],
        ("a", "spike"): [0, 2, 1, 0], ("b", "spike"): [0, 0, 4, 0],
        ("a", "neuron_active"): [2, 2, 0, 0], ("a", "neuron_idle"): [0, 0, 2, 2],
        ("b", "neuron_active"): [0, 4, 4, 0], ("b", "neuron_idle"): [4, 0, 0, 4],
    }  # fmt: skip
    return Run.from_counts(Counts({k: np.array([v]) for k, v in rows.items()}, 1, STEPS), graph)


def test_a_step_is_the_slowest_of_generation_processing_and_links_by_hand() -> None:
    graph = two_layers()
    placed = ns.place(graph, "loihi1_sanafe", manual={"clip": [8], **CORES})
    assert {n: p.late for n, p in placed.network.populations.items()} == {"clip": 0, "a": 1, "b": 2}
    run, nano = counted(graph), 1e-9
    make, take = work(placed, placed.on_traffic(run))
    core = {int(c): i for i, c in enumerate(placed.at)}
    # a: two neurons, in step 2 of the chip both updated and firing, one message each to core 4
    assert make[0, 2, core[0]] == pytest.approx((2 * 9.7 + 2 * 30 + 2 * 5.1) * nano)
    assert take[0, 2, core[4]] == pytest.approx((2 * 16 + 8 * 3.8) * nano)  # eight dense synapses
    assert make[0, 0, core[4]] == pytest.approx(4 * 6.0 * nano)  # nothing there yet: looked at
    assert make[0, 3, core[4]] == pytest.approx(4 * 9.7 * nano)
    timing = placed.timing(run)
    assert timing.barrier == 1.0e-6  # two tiles of the table, three in use
    busy = np.maximum(make.max(axis=2), take.max(axis=2))
    np.testing.assert_allclose(timing.steps, busy + 1.0e-6)
    assert timing.seconds == pytest.approx((busy + 1.0e-6).sum())
    assert timing.videos_per_second == pytest.approx(1 / (4 * timing.steps.mean()))


def test_davies_barrier_is_a_line_between_its_ends() -> None:
    placed = ns.place(two_layers(), "loihi1", manual=CORES)
    assert placed.tiles == 2
    barrier = placed.timing(counted(two_layers())).barrier
    assert barrier == pytest.approx(113e-9 + (465 - 113) * 1e-9 / 31)


def test_a_slow_link_decides() -> None:
    slow = chip(link_messages_per_second=1e3)
    placed = ns.place(two_layers(), slow, manual=CORES)
    run = counted(two_layers())
    seconds = link_seconds(placed, placed.on_traffic(run))
    assert seconds is not None and seconds.tolist() == [0, 0, 2e-3, 1e-3, 0, 0]
    assert placed.timing(run).steps[0, 2] == pytest.approx(2e-3 + placed.timing(run).barrier)


def test_a_fixed_step_is_taken_as_it_is_and_said() -> None:
    placed = ns.place(two_layers(), "loihi2")
    run = counted(two_layers())
    assert placed.seconds(run) == pytest.approx(6 * 152.8e-6)
    assert any("fixed one" in note for note in placed.notes(run))
    truenorth = ns.place(two_layers(), "truenorth")
    assert truenorth.seconds(run) == pytest.approx(6e-3)


def test_static_energy_is_watts_times_seconds_times_chips() -> None:
    run, placed = counted(two_layers()), ns.place(two_layers(), "loihi1", manual=CORES)
    report = ns.price(run, "loihi1", placed)
    assert report.split()["static"] == pytest.approx(0.1044 * placed.seconds(run))
    idle = [r for r in report.rows if r.billed == "neuron_idle" and r.node == "b"]
    assert sum(r.quantity for r in idle) == 8 + 2 * 4  # two steps of drain, four neurons


def test_levels_agree_where_nothing_queues() -> None:
    """One message at a time: all three are the sum of what happens to it, or its core."""
    graph = conv_net()
    run, manual = (
        run_of(graph, samples=1, rate=0.02),
        {"clip": [0], "n1": [1], "n2": [2], "n3": [3]},
    )
    placed = ns.place(graph, "loihi1_sanafe", manual=manual)
    found = {}
    for level in ("simple", "detailed", "queueing"):
        found[level] = replace(placed, level=level, _known={}).timing(run).steps
    assert (found["simple"] <= found["detailed"] + 1e-15).all()
    np.testing.assert_allclose(found["detailed"], found["queueing"], rtol=1e-9)


def test_levels_that_follow_messages_need_them() -> None:
    run = counted(two_layers())
    for level in ("detailed", "queueing"):
        placed = ns.place(two_layers(), "loihi1", manual=CORES, level=level)
        with pytest.raises(PlacementError, match=f"{level} step times need the spikes of 'a'"):
            placed.seconds(run)
