"""Verdicts, where the twin runs, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neurosim.energy import price
from neurosim.energy.baseline import DenseTwin, baseline, matched_bits
from neurosim.energy.bits import at_bits
from neurosim.energy.published_table import run_published
from neurosim.errors import ProfileError, UnknownName
from neurosim.hardware import load_profile, profiles
from tests.energy import reference
from tests.energy.reference import near
from tests.energy.test_scaled import Chips, layer_fed_by


@pytest.mark.parametrize(("steps", "bits"), [(1, 1), (3, 2), (4, 3), (5, 3), (15, 4), (16, 5)])
def test_matched_bits_hold_the_counts_of_all_steps(steps: int, bits: int) -> None:
    assert matched_bits(steps) == bits and 2**bits >= steps + 1 > 2 ** (bits - 1)


@pytest.mark.parametrize("chip", [p for p in profiles() if p != "loihi2"])
def test_every_profile_has_a_twin_or_says_why_not(chip: str) -> None:
    run = reference.run()
    report = price(run, chip)
    found = baseline(run, report)
    assert len(found.compared) + len(found.missing) == 2
    for compared in found.compared:
        assert compared.network.twin_joules == near(compared.twin.joules_per_video)
        if compared.bits is None:
            assert compared.network.snn_joules == near(report.joules_per_video)
        assert chip in compared.verdict()
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_chip_without_macs_is_compared_with_its_host() -> None:
    run = reference.run()
    found = baseline(run, price(run, "loihi1"))
    assert {c.on for c in found.compared} == {"cmos_45nm"}
    assert [c.format for c in found.compared] == ["fp32", "2 bit"]
    assert "the twin on cmos_45nm" in found.compared[0].verdict()
    on = baseline(run, price(run, "loihi1"), DenseTwin(on="gpu"))
    assert [c.on for c in on.compared] == ["gpu"] and "no prices" in on.missing[0]


def test_a_dense_machine_costs_the_same_at_any_rate() -> None:
    run = reference.run()
    (found,) = baseline(run, price(run, "gpu")).compared
    assert found.network.said() == "costs the same" and "as much as" in found.verdict()
    assert found.to_dict()["network"]["break_even_rate"] is None


def test_words_of_a_verdict() -> None:
    run = layer_fed_by(6)
    whole, narrow = baseline(run, price(run, "cmos_45nm_memory")).compared
    assert "if its mean firing rate is below" in whole.verdict() or "any" in whole.verdict()
    assert narrow.passes == "2 passes over 2 steps, 2 = ⌈log2(2 + 1)⌉"
    assert whole.passes == "2 passes over 2 steps"


def test_layers_without_neurons_have_a_factor_instead_of_a_rate() -> None:
    """A published table of layers: 7.4635 mJ against 4.6 pJ × its dense operations."""
    run = run_published("spikingformer_8_512")
    report = price(run, "cmos_45nm", convention="spikingformer")
    found = baseline(run, report).compared[0]
    events = report.joules - found.network.fixed_joules
    spare = found.network.twin_joules - found.network.fixed_joules
    assert found.network.break_even is None and found.network.factor == near(spare / events, 1e-9)
    assert f"below {found.network.factor:.4g} times the given rates" in found.verdict()


def test_bits_and_frames_are_those_asked_for() -> None:
    run = layer_fed_by(6)
    found = baseline(run, price(run, "cmos_45nm"), DenseTwin(frames=1, bits=8)).compared[1]
    assert (found.format, found.frames, found.steps) == ("8 bit", 1, 2)
    assert found.passes == "1 passes over 2 steps"


def test_bits_of_a_clip_are_not_bits_of_a_frame() -> None:
    run = layer_fed_by(6)
    every, once = (
        baseline(run, price(run, "cmos_45nm"), DenseTwin(frames=f)).compared for f in (2, 1)
    )
    assert "bits=1" in every[1].caution and not once[1].caution and not every[0].caution


def test_a_placed_chip_keeps_its_time_and_its_messages() -> None:
    run, chips = layer_fed_by(6), Chips()
    report = price(run, "loihi1", chips)
    (found, _) = baseline(run, report, placement=chips).compared
    assert found.network.snn_joules == near(report.joules_per_video)
    static = report.split()["static"]
    assert static > 0 and found.network.fixed_joules > static
    assert found.network.snn_joules > baseline(run, report).compared[0].network.snn_joules


def test_the_hosts_share_is_at_the_twins_width() -> None:
    run = reference.run()
    whole, narrow = baseline(run, price(run, "loihi1")).compared
    host = price(run, "loihi1", host=at_bits(load_profile("cmos_45nm"), 2))
    assert narrow.network.snn_joules == near(host.joules_per_video)
    assert narrow.network.snn_joules < whole.network.snn_joules


def test_wrong_names_and_bits_are_errors() -> None:
    run = layer_fed_by(6)
    with pytest.raises(UnknownName):
        baseline(run, price(run, "cmos_45nm"), DenseTwin(on="cmos_54nm"))
    with pytest.raises(ProfileError):
        baseline(run, price(run, "cmos_45nm"), DenseTwin(bits=64))


def test_without_macs_and_host_there_is_no_twin(tmp_path: Path) -> None:
    text = """
title: adds alone
basis: test
convention: literature
prices: {synapse: {value: 1 pJ, scope: marginal, how: assumed, source: test}}
ignores: {coincidence: t, graded_synapse: t, arithmetic: t, neuron_active: t, neuron_idle: t,
  spike: t, memory: t, network: t, static: t, host_io: t}
impossible: {mac: no multiplier}
"""
    path = tmp_path / "adds.yaml"
    path.write_text(text)
    run = layer_fed_by(6)
    found = baseline(run, price(run, path))
    assert not found.compared and "no multiply-accumulates" in found.missing[0]
    assert baseline(run, price(run, path), DenseTwin(on="cmos_45nm")).compared
