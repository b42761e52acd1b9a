"""What other tools print on net A: recorded figures are theirs, every difference has a reason."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurosim import units
from neurosim.errors import ProfileError
from neurosim.studies import reproduce_peers as study
from neurosim.studies.peer_net import SAMPLES, STEPS, net_a
from neurosim.studies.reproduce import surprises
from tests.models.peers import spikingjelly
from tests.oracles import net_a as brute_force
from tests.oracles.whole_net import LAYERS

by_hand = cache(brute_force)


def recorded(tool: str, *terms: str) -> float:
    """Picojoules of a tool's terms, as in its file."""
    found = {term.id: term for term in study.load_tool(tool).terms}
    return sum(units.joules(found[term].reported) for term in terms) * 1e12


def test_every_verdict_is_the_one_that_is_known() -> None:
    rows = study.peers()
    assert not surprises(rows) and len(rows) == 23
    assert sum(row.verdict == "match" for row in rows) == 12


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
SPIKING = {"loihi": (27.1, 81.0), "spinnaker": (13.3e3, 26e3), "spinnaker2": (450.0, 2.19e3)}


@pytest.mark.slow
def test_the_formulae_of_keras_spiking_by_a_plain_loop() -> None:
    """Connections × mean |input| × steps; every neuron at every step; once where dense."""
    oracle, operations, connections, neurons = by_hand(), 0.0, 0, 0
    x = oracle.clip
    for name in LAYERS:
        here = oracle.dense_macs[name] // (STEPS * SAMPLES)
        operations += here * np.abs(x).mean() * STEPS * SAMPLES
        x = oracle.spikes[f"{name}.neuron"]
        connections, neurons = connections + here, neurons + x[0, 0].size
    for device, (synapse, update) in SPIKING.items():
        assert recorded("keras", f"{device}_synapses") == pytest.approx(synapse * operations)
        assert recorded("keras", f"{device}_neurons") == pytest.approx(
            update * neurons * STEPS * SAMPLES
        )
    for device, each in DENSE.items():
        assert recorded("keras", device) == pytest.approx(each * (connections + neurons) * SAMPLES)


def test_a_device_that_does_not_spike_runs_once_there_and_every_step_here() -> None:
    rows = {row.id: row for row in study.compare("keras")}
    for device in DENSE:
        row = rows[f"keras.{device}"]
        assert row.recomputed_mj == pytest.approx(STEPS * row.reported_mj)


@pytest.fixture
def peer_net(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Net A of SpikingJelly's own layers, with the same spikes."""
    layer, neuron = (spikingjelly(name, monkeypatch) for name in ("layer", "neuron"))
    ours, clip = net_a()

    def conv(*args: int, **more: int) -> Any:
        return layer.Conv2d(*args, bias=False, step_mode="m", **more)

    def lif() -> Any:
        return neuron.LIFNode(tau=2.0, step_mode="m")

    fc = layer.Linear(288, 10, bias=False, step_mode="m")
    net = nn.Sequential(
        conv(2, 4, 3, padding=1), lif(), conv(4, 8, 3, stride=2, padding=1), lif(),
        conv(8, 8, 3, dilation=2, padding=2, groups=4), lif(), layer.Flatten(step_mode="m"),
        fc, lif(),
    ).eval()  # fmt: skip
    for name, target in (("conv1", net[0]), ("conv2", net[2]), ("conv3", net[4]), ("fc", fc)):
        target.weight.data = getattr(ours, name).weight.data
    return net, clip


@pytest.mark.slow
def test_the_simple_estimate_is_as_recorded(peer_net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = spikingjelly("op_counter.simple_energy", monkeypatch)
    net, clip = peer_net
    with torch.no_grad():
        report = tool.estimate_simple_energy(net, clip)
    counts, energy = report.counts, report.breakdown_pj
    assert counts["synop"] == 105_452 == study._run().synaptic_operations()
    found = {
        ("mac",): energy["mac_pj"],
        ("synapse",): counts["synop"] * 0.9,
        ("synapse", "neuron_update"): energy["ac_pj"],
        ("weight_read",): energy["parameter_memory_pj"],
        ("neuron_state",): energy["neuron_state_memory_pj"],
    }
    for terms, picojoules in found.items():
        assert recorded("simple", *terms) == pytest.approx(picojoules), terms


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Lemaire formulas do not support Flatten:RuntimeWarning")
def test_the_lemaire_estimate_is_as_recorded(
    peer_net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = spikingjelly("op_counter.analytical_energy", monkeypatch)
    net, clip = peer_net
    with torch.no_grad():
        config = tool.LemaireEnergyConfig(strict=False)
        report = tool.estimate_lemaire_energy(net, clip, config=config)
    energy = report.breakdown_pj
    found = {
        "operations": energy["ops_pj"],
        "addressing": energy["addressing_pj"],
        "in_and_out": energy["inout_pj"],
        "parameters": energy["params_pj"],
        "potentials": energy["potential_pj"],
    }
    for term, picojoules in found.items():
        assert recorded("lemaire", term) == pytest.approx(picojoules), term
    assert _words() == {
        "in_and_out": (report.counts["read_in_bytes"] + report.counts["write_out_bytes"]) // 4,
        "parameters": report.counts["read_params_bytes"] // 4,
    }


def _words() -> dict[str, int]:
    """Words of ours in the terms whose prices alone differ."""
    tool = study.load_tool("lemaire")
    rows = study._report(tool, tool.terms[0]).rows
    return {
        term.id: round(sum(row.quantity for row in rows if row.event in term.events))
        for term in tool.terms
        if term.id in ("in_and_out", "parameters")
    }


def test_the_exact_count() -> None:
    assert study._run().synaptic_operations() == 105_452


def test_only_prices_differ_where_the_reason_says_so() -> None:
    assert _words() == {"in_and_out": 11_838, "parameters": 279_090}


def test_a_malformed_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "tool.yaml"
    path.write_text("tool: t\nsource: s\nprofile: p\nterms:\n  - {id: a, reported: 3}\n")
    with pytest.raises(ProfileError, match=r"tool.yaml:5: "):
        study._read(path)
