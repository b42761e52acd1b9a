"""Messages, hops and loads against a walk over every spike and synapse."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.ir.graph import Graph
from neurosim.ir.run import Run, Trace
from neurosim.mapping.detailed import work_of
from neurosim.mapping.placement import Placement
from tests.mapping.nets import conv_net, deliveries, messages, run_of, split_net, synapses
from tests.mapping.test_place import chip

GRAPHS = [conv_net(), conv_net(2, 1, 2), split_net()]
SMALL: dict[str, Any] = {"neurons_per_core": 12, "cores": 32, "tiles": (4, 4), "cores_per_tile": 2}


def placed(graph: Graph, strategy: str = "hops") -> Placement:
    return ns.place(graph, chip(**SMALL), strategy)


def matrices(
    graph: Graph, found: Placement, source: str
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Layer → (targets × neurons of the source, core of each target)."""
    out: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, layer in found.network.layers.items():
        for origin in layer.sources:
            if origin.source != source:
                continue
            full = synapses(graph, name)
            size = found.network.populations[source].size
            by_neuron = np.zeros((len(full), size))
            for element, neuron in enumerate(origin.index):
                if neuron >= 0:
                    by_neuron[:, neuron] += full[:, element]
            target = np.full(len(full), -1)
            for home, index in layer.homes:
                target[index >= 0] = found.cores[home][index[index >= 0]]
            out[name] = (by_neuron, target)
    return out


@pytest.mark.parametrize("graph", GRAPHS, ids="abc")
def test_traced_messages_and_synapses_are_those_of_a_walk(graph: Graph) -> None:
    run, found = run_of(graph), placed(graph)
    traffic = found.on_traffic(run)
    assert traffic.sent and set(traffic.traced) == set(traffic.sent)
    for name, sent in traffic.sent.items():
        read = matrices(graph, found, name)
        for sample in range(run.samples):
            spikes = run.trace[name][:, sample].reshape(run.steps, -1)
            expected = messages(read, spikes, found.cores[name])
            assert sent.of_step is not None
            for t, of_step in enumerate(expected):
                pairs = zip(sent.source, sent.target, sent.of_step[sample, t], strict=True)
                assert Counter({(int(a), int(b)): int(n) for a, b, n in pairs if n}) == of_step
                out = np.bincount([a for a, _ in of_step.elements()], minlength=len(found.at))
                np.testing.assert_array_equal(sent.out.full[sample, t], out)
    for layer, load in traffic.synapses.items():
        sources = [o.source for o in found.network.layers[layer].sources]
        if not sources:
            continue
        (source,) = set(sources)
        matrix, target = matrices(graph, found, source)[layer]
        for sample in range(run.samples):
            spikes = run.trace[source][:, sample].reshape(run.steps, -1)
            for t, pairs in deliveries(matrix, spikes, found.cores[source], target):
                into = np.zeros(len(found.at))
                for (_, b), n in pairs.items():
                    into[b] += n
                np.testing.assert_array_equal(load.full[sample, t], into)


@pytest.mark.parametrize("graph", GRAPHS, ids="abc")
def test_synapses_add_up_to_what_was_counted(graph: Graph) -> None:
    run, found = run_of(graph), placed(graph)
    bare = Run(run.counts, run.facts, run.manifest, graph=graph)
    for one in (run, bare):
        for layer, load in found.on_traffic(one).synapses.items():
            per_step = load.full.sum(axis=2)
            np.testing.assert_allclose(per_step, run.counts.array(layer, "synapse"), rtol=1e-12)


@pytest.mark.parametrize("graph", GRAPHS, ids="abc")
def test_hops_are_those_of_each_message(graph: Graph) -> None:
    run, found = run_of(graph), placed(graph)
    counts, columns = found.traffic(run), found.mesh
    for name, sent in found.on_traffic(run).sent.items():
        expected = Counter()
        for a, b, n in zip(found.at[sent.source], found.at[sent.target], sent.total, strict=True):
            (xa,), (ya,) = columns.place(np.array([a]))
            (xb,), (yb,) = columns.place(np.array([b]))
            expected["hop_ew"] += int(n) * abs(int(xa) - int(xb))
            expected["hop_ns"] += int(n) * abs(int(ya) - int(yb))
            expected["spike_within_tile"] += int(n) * (xa == xb and ya == yb)
            expected["message"] += int(n)
        for event, number in expected.items():
            assert counts[name, event] == number


def test_evenly_spread_spikes_give_the_mean_of_all_ways_to_spread_them() -> None:
    """Expected messages of a population: of each neuron alone, weighed by its share."""
    graph = conv_net()
    run, found = run_of(graph, samples=1), placed(graph)
    bare = Run(run.counts, run.facts, run.manifest, graph=graph)
    sent = found.on_traffic(bare).sent["n1"]
    assert not sent.traced
    one_each = np.eye(144, dtype=np.uint8)
    each = messages(matrices(graph, found, "n1"), one_each, found.cores["n1"])
    mean = sum(len(list(c.elements())) for c in each) / 144
    assert sent.total.sum() == pytest.approx(mean * run.counts.get("n1", "spike"))


def test_links_carry_every_hop_of_every_step() -> None:
    run, found = run_of(conv_net()), placed(conv_net())
    for one in (run, Run(run.counts, run.facts, run.manifest)):
        traffic = found.on_traffic(one)
        hops = sum(n for (_, e), n in traffic.counts().items() if e.startswith("hop"))
        assert traffic.links is not None
        assert traffic.links.sum() * run.samples == pytest.approx(hops, abs=2)
        assert len(traffic.links) == run.steps + found.late


def test_binned_and_summed_counts_give_the_same_totals() -> None:
    run, found = run_of(conv_net(), samples=4), placed(conv_net())
    plain = found.traffic(Run(run.counts, run.facts, run.manifest))
    table = {
        k: a.reshape(4, 2, 2).sum(axis=(0, 2), keepdims=False)[None]
        for k, a in run.counts.table.items()
    }
    binned = ns.Counts(table, 4, 4, 2, True)
    other = placed(conv_net()).traffic(Run(binned, run.facts, run.manifest))
    assert {k: pytest.approx(v, abs=1) for k, v in plain.items()} == other


def test_one_recorded_population_is_traced_and_the_rest_expected() -> None:
    run, found = run_of(conv_net()), placed(conv_net())
    some = Run(run.counts, run.facts, run.manifest, trace=Trace({"n1": run.trace["n1"]}))
    assert found.on_traffic(some).traced == ("n1",)
    assert any("exact for 1 of 2" in note for note in found.notes(some))
    assert any("exact, from the recorded" in note for note in found.notes(run))


def test_neurons_scattered_over_cores_update_and_fire_there() -> None:
    """By hand, neuron by neuron, in cores that are not in the order of their neurons."""
    graph, rng = conv_net(), np.random.default_rng(3)
    sizes = {n.name: n.value.size for n in graph.neurons()}
    manual = {name: rng.permutation(np.arange(size) % 7) for name, size in sizes.items()}
    found = ns.place(graph, chip(**SMALL | {"neurons_per_core": 60}), manual=manual)
    run = run_of(graph, samples=2)
    traffic, work = found.on_traffic(run), work_of(found, run, found.on_traffic(run))
    seconds = {k: found.profile.timing[k].seconds() for k in ("neuron_idle", "neuron_active")}
    fired, spent = np.zeros((2, 2, traffic.steps, len(found.at)))
    for name, population in found.network.populations.items():
        if population.kind == "sums":
            continue
        late = population.late
        spikes, updated = (
            run.trace[k].reshape(run.steps, 2, -1) for k in (name, f"{name}/updated")
        )
        each = {"updates": np.zeros((2, run.steps, len(found.at)))}
        each["spikes"] = np.zeros_like(each["updates"])
        for t, sample, neuron in np.ndindex(spikes.shape):
            core = found.cores[name][neuron]
            each["updates"][sample, t, core] += updated[t, sample, neuron]
            each["spikes"][sample, t, core] += spikes[t, sample, neuron]
        np.testing.assert_array_equal(traffic.updates[name].full, each["updates"])
        np.testing.assert_array_equal(traffic.spikes[name].full, each["spikes"])
        fired[:, late : late + run.steps] += each["spikes"]
        held = np.bincount(found.cores[name], minlength=len(found.at)) * seconds["neuron_idle"]
        more = seconds["neuron_active"] - seconds["neuron_idle"]
        spent += held
        spent[:, late : late + run.steps] += each["updates"] * more
    for core, (first, last) in enumerate(zip(work.starts[:-1], work.starts[1:], strict=True)):
        np.testing.assert_array_equal(work.fired[:, :, first:last].sum(axis=2), fired[:, :, core])
        np.testing.assert_allclose(
            work.spent[:, :, first:last].sum(axis=2), spent[:, :, core], rtol=1e-12
        )
