"""What other tools print on net A: recorded figures are theirs, every difference has a reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import peer_runs
from neurosim.errors import ProfileError
from neurosim.studies import reproduce_peers as study
from neurosim.studies.peer_net import SAMPLES, STEPS, net_a
from neurosim.studies.reproduce import surprises
from tests.models.peers import spikingjelly
from tests.oracles import net_a as brute_force
from tests.oracles.whole_net import LAYERS

by_hand = cache(brute_force)


def recorded(tool: str, *terms: str) -> float:
    """Picojoules that a tool's own program printed."""
    return sum(study.load_run(tool).printed[term] for term in terms) * 1e12


def test_every_verdict_is_the_one_that_is_known() -> None:
    rows = study.peers()
    assert not surprises(rows) and len(rows) == 29
    assert sum(row.verdict == "match" for row in rows) == 18


def test_every_figure_of_a_program_is_a_term() -> None:
    for name in study.tools():
        terms = {term.printed or term.id for term in study.load_tool(name).terms}
        assert terms == set(study.load_run(name).printed)


def test_a_figure_is_a_match_to_the_floats_of_the_two_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = study.load_run("keras")
    off = {term: joules * (1 + 2e-7) for term, joules in run.printed.items()}
    monkeypatch.setattr(study, "load_run", lambda _: replace(run, printed=off))
    assert {row.verdict for row in study.compare("keras")} == {"mismatch"}


@pytest.mark.slow
def test_the_network_is_the_one_of_the_brute_force() -> None:
    net, clip = net_a()
    oracle = by_hand()
    np.testing.assert_array_equal(clip, oracle.clip)
    with torch.no_grad():
        spikes = net(clip)
    np.testing.assert_array_equal(spikes, oracle.spikes["fc.neuron"])
    assert study._run().synaptic_operations() == oracle.synaptic_operations() == 105_452


DENSE = {"cpu": 8.6e3, "gpu": 0.3e3, "arm": 0.9e3}  # pJ per operation and per neuron
NEURON_STEPS = (576 + 288 + 288 + 10) * STEPS * SAMPLES
SPIKING = {"loihi": (27.1, 81.0), "spinnaker": (13.3e3, 26e3), "spinnaker2": (450.0, 2.19e3)}


@pytest.mark.slow
def test_the_program_of_keras_spiking_by_a_plain_loop() -> None:
    """Connections × mean |input| × steps; every neuron at every step; once where dense."""
    oracle, operations, connections, neurons = by_hand(), 0.0, 0, 0
    x = oracle.clip
    for name in LAYERS:
        here = oracle.dense_macs[name] // (STEPS * SAMPLES)
        operations += here * np.abs(x).mean() * STEPS * SAMPLES
        x = oracle.spikes[f"{name}.neuron"]
        connections, neurons = connections + here, neurons + x[0, 0].size
    for device, (synapse, update) in SPIKING.items():
        assert recorded("keras", f"{device}_synapses") == pytest.approx(
            synapse * operations, rel=1e-7
        )
        assert recorded("keras", f"{device}_neurons") == pytest.approx(
            update * neurons * STEPS * SAMPLES
        )
    for device, each in DENSE.items():
        for what, number in (("synapses", connections), ("neurons", neurons)):
            assert recorded("keras", f"{device}_{what}") == pytest.approx(each * number * SAMPLES)


def test_what_keras_spiking_counts_is_ours() -> None:
    """Connections are dense operations of a sample and step; the mean rate is exact spikes."""
    counts, facts = study.load_run("keras").counts, study._run().facts
    weights = {name: f for name, f in facts.items() if f.role == "weights"}
    assert set(weights) < set(counts)
    for name, node in weights.items():
        assert counts[name]["connections"] * STEPS == node.dense_macs  # of a sample
    operations = sum(counts[name]["connections"] * counts[name]["rate"] for name in weights)
    assert operations * STEPS * SAMPLES == pytest.approx(121_842, rel=1e-7)


def test_a_device_that_does_not_spike_runs_once_there_and_every_step_here() -> None:
    rows = {row.id: row for row in study.compare("keras")}
    for device in DENSE:
        row = rows[f"keras.{device}_every_step"]
        assert row.recomputed_mj == pytest.approx(STEPS * row.reported_mj)


@pytest.mark.slow
def test_keras_spiking_says_what_is_recorded() -> None:
    python = peer_runs.keras_python()
    if python is None:
        pytest.skip(f"KerasSpiking is not installed; {peer_runs.KERAS} names no interpreter")
    found, held = peer_runs.keras(python), study.load_run("keras")
    assert found["printed"] == pytest.approx(held.printed, rel=1e-9)
    assert {n: c["connections"] for n, c in found["counts"].items() if "rate" in c} == {
        n: c["connections"] for n, c in held.counts.items() if "rate" in c
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["simple", "lemaire"])
def test_spikingjelly_says_what_is_recorded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spikingjelly("op_counter", monkeypatch)
    found, held = getattr(peer_runs, name)(), study.load_run(name)
    assert found["program"] == held.program
    assert found["counts"] == held.counts
    assert found["printed"] == pytest.approx(held.printed)


def test_every_addition_of_the_simple_estimate_is_known() -> None:
    """SynOps as ours; six an update; 5,181 of its probe."""
    counts = study.load_run("simple").counts
    assert counts["synop"] == study._run().synaptic_operations() == 105_452
    assert counts["ac"] == 105_452 + 6 * NEURON_STEPS + 5_181
    assert recorded("simple", "neuron_update") == pytest.approx(0.9 * (6 * NEURON_STEPS + 5_181))


def test_our_words_at_the_prices_of_the_lemaire_estimate_are_its_figures() -> None:
    """What differs is the price of a word: a line through the sizes of a memory."""
    words, weights = _words(), {"conv1": 72, "conv2": 288, "conv3": 144, "fc": 2880}
    membranes = {"conv1": 576, "conv2": 288, "conv3": 288, "fc": 10}
    membranes |= dict(zip(("lif1", "lif2", "lif3", "lif4"), membranes.values(), strict=True))
    moved = words["activation_read"].total() + words["activation_write"].total()
    kept = words["state_read"].items()
    expected = {
        "in_and_out": moved * _picojoules(1000),
        "parameters": sum(n * _picojoules(weights[at]) for at, n in words["weight_read"].items()),
        "potentials": sum(2 * n * _picojoules(SAMPLES * membranes[at]) for at, n in kept),
    }
    for term, picojoules in expected.items():
        assert recorded("lemaire", term) == pytest.approx(picojoules, rel=1e-12), term


def _picojoules(words: int) -> float:
    """Of a word of 4 bytes from a memory of so many: 0 pJ at 0 KB, 10 at 8, 20 at 32."""
    return float(np.interp(4 * words / 1024, [0, 8, 32], [0, 10, 20]))


def _words() -> dict[str, Counter[str]]:
    """Event → node → words of ours, by the equations as printed."""
    tool, found = study.load_tool("lemaire"), defaultdict[str, Counter[str]](Counter)
    for row in study._report(tool, tool.terms[0]).rows:
        found[row.event][row.node] += round(row.quantity)
    return found


def test_the_exact_count() -> None:
    assert study._run().synaptic_operations() == 105_452


def test_only_prices_differ_where_the_reason_says_so() -> None:
    words, counts = _words(), study.load_run("lemaire").counts
    moved = words["activation_read"].total() + words["activation_write"].total()
    assert moved == (counts["read_in_bytes"] + counts["write_out_bytes"]) // 4 == 11_838
    assert words["weight_read"].total() == counts["read_params_bytes"] // 4 == 279_090
    assert words["state_read"].total() == counts["read_potential_bytes"] // 4 == 297_682


def test_a_malformed_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "tool.yaml"
    path.write_text("source: s\nprofile: p\nterms:\n  - {id: a, reported: 3}\n")
    with pytest.raises(ProfileError, match=r"tool.yaml:4: "):
        study._read(path)
