"""Placements keep within every limit, or say which one and by how much."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.errors import PlacementError
from neurosim.hardware import load_profile
from neurosim.hardware.schema import Profile
from neurosim.ir.graph import Graph
from neurosim.mapping.limits import has
from neurosim.mapping.placement import Placement
from tests.mapping.nets import STEPS, clip_node, conv, conv_net, lif, linear, split_net, weights
from tests.ops.graphs import built


def chip(**fabric: object) -> Profile:
    """loihi1 with another structure."""
    base = load_profile("loihi1")
    assert base.fabric is not None
    return base.model_copy(update={"fabric": base.fabric.model_copy(update=fabric)})


def brute_use(graph: Graph, placement: Placement) -> dict[str, np.ndarray]:
    """Neurons and distinct sources of each core, and destinations of its neurons, by full matrices.
    Layers' own upper bounds (a source read by two layers counts twice) are not in this.
    """
    from tests.mapping.nets import synapses

    cores = len(placement.at)
    found = {k: np.zeros(cores) for k in ("neurons", "axons out")}
    for where in placement.cores.values():
        found["neurons"] += np.bincount(where, minlength=cores)
    for name, layer in placement.network.layers.items():
        matrix = synapses(graph, name)
        target = np.full(matrix.shape[0], -1)
        for home, index in layer.homes:
            target[index >= 0] = placement.cores[home][index[index >= 0]]
        for origin in layer.sources:
            for element, neuron in enumerate(origin.index):
                reached = np.unique(target[matrix[:, element] > 0])
                found["axons out"][placement.cores[origin.source][neuron]] += len(reached)
    return found


@pytest.mark.parametrize("strategy", ["greedy", "hops", "balanced"])
@pytest.mark.parametrize("graph", [conv_net(), conv_net(2, 1, 2), split_net()], ids="abc")
def test_use_is_what_full_matrices_say_and_within_limits(graph: Graph, strategy: str) -> None:
    profile = chip(
        neurons_per_core=20, axons_out_per_core=60, cores=16, tiles=(4, 2), cores_per_tile=2
    )
    found = ns.place(graph, profile, strategy)
    assert profile.fabric is not None
    for resource, limit in has(profile.fabric).items():
        assert found.use[resource].max() <= limit
    expected = brute_use(graph, found)
    np.testing.assert_array_equal(found.use["neurons"], expected["neurons"])
    np.testing.assert_array_equal(found.use["axons out"], expected["axons out"])
    assert len(np.unique(found.at)) == len(found.at)
    assert {p.name for p in found.network.populations.values()} == set(found.cores)


@settings(max_examples=15, deadline=None)
@given(neurons=st.integers(4, 90), out=st.integers(8, 400), kilobytes=st.integers(1, 64))
def test_any_chip_fits_or_is_refused_by_name(neurons: int, out: int, kilobytes: int) -> None:
    profile = chip(
        neurons_per_core=neurons, axons_out_per_core=out, synapse_memory_per_core=kilobytes * 128
    )
    try:
        found = ns.place(conv_net(), profile)
    except PlacementError as error:
        assert "times too many" in str(error) and "a core has" in str(error)
        return
    assert profile.fabric is not None
    for resource, limit in has(profile.fabric).items():
        assert found.use[resource].max() <= limit


def test_every_population_is_whole_and_outputs_find_their_neurons() -> None:
    placed = ns.place(split_net(), "loihi1")
    layer = placed.network.layers["qkv"]
    assert [name for name, _ in layer.homes] == ["q", "k", "v"]
    assert layer.homes[1][1].reshape(3, 12)[0].tolist() == [-1] * 4 + [0, 1, 2, 3] + [-1] * 4
    assert placed.network.populations["c"].kind == "sums"  # read by nobody on the chip
    assert "c" not in placed.network.on_host


def test_layers_lag_a_step_each_unless_the_graph_delays_them() -> None:
    late = {n: p.late for n, p in ns.place(conv_net(), "loihi1").network.populations.items()}
    assert late == {"n1": 1, "n2": 2, "n3": 3}


def test_reals_stay_with_the_host_and_say_how_much_crosses() -> None:
    nodes = [clip_node((2, 4, 4), "real"), conv("stem", "clip", "w", 1, 1), lif("n", "stem"),
             conv("c", "n", "v", 1, 1), lif("m", "c")]  # fmt: skip
    graph = built(nodes, weights(0, w=(4, 2, 3, 3), v=(4, 4, 3, 3)), STEPS)
    placed = ns.place(graph, "loihi1")
    assert placed.network.on_host == ("stem",) and list(placed.network.layers) == ["c"]
    assert placed.network.crossings == {"stem": 64}
    report = ns.price(ns.activity_from_rates(graph, 0.1), "loihi1", placed)
    assert report.host_share() > 0 and report.split()["static"] > 0
    assert report.energy_delay == report.joules_per_video * (report.seconds_per_video or 0.0)


def test_a_neuron_that_no_core_can_hold_is_named_with_the_limit() -> None:
    graph = built([clip_node((200,)), linear("l", "clip", "w"), lif("n", "l")],
                  weights(0, w=(4, 200)), STEPS)  # fmt: skip
    message = r"'n': one neuron takes 1,800 synapse bits, a core has 1,024 \(1.8 times too many\)"
    with pytest.raises(PlacementError, match=message):
        ns.place(graph, chip(synapse_memory_per_core=128))


def test_several_chips_are_counted_and_flagged() -> None:
    small = chip(neurons_per_core=8, cores=4, tiles=(2, 1), cores_per_tile=2)
    placed = ns.place(conv_net(), small)
    assert placed.chips > 1 and placed.chips == -(-len(placed.at) // 4)
    run = ns.activity_from_rates(conv_net(), 0.2)
    report = ns.price(run, small, placed)
    assert any("chips" in note and "latency" in note for note in report.notes)
    crossed = {e.event: e.quantity for e in report.not_included}["chip_crossing"]
    assert crossed and crossed > 0
    assert placed.timing(run).barrier == pytest.approx(16.2e-6)


@pytest.mark.parametrize(
    ("name", "said"),
    [("cmos_45nm", "no cores"), ("speck", "asynchronous")],
)
def test_chips_without_cores_or_steps_are_refused(name: str, said: str) -> None:
    with pytest.raises(PlacementError, match=said):
        ns.place(conv_net(), name)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"strategy": "best"}, "strategy 'best'"), ({"level": "exact"}, "level 'exact'"),
        ({"encoding": "dictionary"}, "encoding 'dictionary'"),
        ({"encoding": {"nobody": "dense"}}, "no layer 'nobody'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(PlacementError, match=said):
        ns.place(conv_net(), "loihi1", **given)  # type: ignore[arg-type]


def test_a_model_without_spikes_has_nothing_to_place() -> None:
    graph = built([clip_node((4,), "real"), linear("l", "clip", "w")], weights(0, w=(2, 4)), STEPS)
    with pytest.raises(PlacementError, match="no layer"):
        ns.place(graph, "loihi1")


def test_balancing_shortens_the_slowest_core_on_the_same_chips() -> None:
    graph, small = conv_net(), chip(neurons_per_core=200, cores=16, tiles=(4, 2), cores_per_tile=2)
    run = ns.activity_from_rates(graph, 0.1)
    greedy, balanced = (ns.place(graph, small, s) for s in ("greedy", "balanced"))
    assert balanced.chips == greedy.chips and len(balanced.at) > len(greedy.at)
    assert balanced.timing(run).steps.max() < greedy.timing(run).steps.max()


def test_moving_tiles_shortens_ways_and_changes_nothing_else() -> None:
    graph = conv_net()
    small = chip(neurons_per_core=8, cores=64, tiles=(8, 4), cores_per_tile=2)
    run = ns.activity_from_rates(graph, 0.3)
    greedy, hops = (ns.place(graph, small, s).traffic(run) for s in ("greedy", "hops"))

    def total(found: object, event: str) -> int:
        return sum(n for (_, e), n in found.items() if e == event)  # type: ignore[attr-defined]

    assert total(greedy, "message") == total(hops, "message") > 0
    ways = [total(t, "hop_ew") + total(t, "hop_ns") for t in (greedy, hops)]
    assert ways[1] < ways[0]
