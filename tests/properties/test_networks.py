"""Laws that hold for any network, shape and spike pattern; 210 cases here, 2,200 in the nightly."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import neurosim as ns
from neurosim.ir.counts import Counts
from neurosim.ir.run import Run
from neurosim.sim.simulate import simulate
from tests.properties.brute import brute
from tests.properties.networks import Case, cases

CHIPS = ("cmos_45nm_memory", "cmos_45nm_memory_reuse", "loihi1")
STILL = ("neuron_idle", "state_read", "state_write")  # what silence may count
QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)


def few(number: int) -> settings:
    """The same cases every time."""
    return settings(
        max_examples=number, deadline=None, derandomize=True, suppress_health_check=QUIET
    )


def many(number: int) -> settings:
    """Other cases every night; a failing one is printed with how to run it again."""
    return settings(
        max_examples=number, deadline=None, print_blob=True, suppress_health_check=QUIET
    )


# ---- the laws


def both_engines_count_what_brute_force_counts(case: Case) -> None:
    """Dense = event = synapse by synapse; joules: nodes = events = total, linear in the counts."""
    graph, clip = case.graph(), case.clip()
    dense = simulate(graph, clip, "dense", record="spikes")
    event = simulate(graph, clip, "event", record="spikes")
    assert not dense.counts.differences(event.counts)
    for name, spikes in dense.trace.values.items():
        np.testing.assert_array_equal(event.trace[name], spikes, err_msg=name)
    expected = brute(case, dict(dense.trace.values))
    for (node, name), counts in expected.items():
        found = dense.counts.array(node, name)
        np.testing.assert_array_equal(found, counts.T, err_msg=f"{node} {name}")
    extra = [k for k, a in dense.counts.table.items() if k not in expected and a.any()]
    assert not extra
    the_price_is_linear_and_adds_up(dense)


def the_price_is_linear_and_adds_up(run: Run) -> None:
    """Three times the counts are three times the joules, but where reuse ends at what there is."""
    tripled = replace(run, counts=times(run.counts, 3))
    reports = {chip: ns.price(run, chip) for chip in CHIPS}
    full, once = (reports[f"cmos_45nm_memory{x}"].joules for x in ("", "_reuse"))
    assert once <= full * (1 + 1e-12)
    for chip, report in reports.items():
        for parts in (report.by_node(), report.by_event(), report.by_op(), report.by_price()):
            assert math.isclose(math.fsum(parts.values()), report.joules, rel_tol=1e-12)
        assert report.low <= report.joules * (1 + 1e-12)
        assert report.joules <= report.high * (1 + 1e-12)
        if chip != "cmos_45nm_memory_reuse":
            thrice = ns.price(tripled, chip)
            assert math.isclose(thrice.joules, 3 * report.joules, rel_tol=1e-12)


def times(counts: Counts, factor: int) -> Counts:
    """Every count so many times."""
    return replace(counts, table={k: factor * a for k, a in counts.table.items()})


def silence_costs_idle_steps_alone(case: Case) -> None:
    """No input, no bias: nothing but neuron-steps without input and their states, and a price of
    those alone."""
    case = replace(case, rate=0.0)
    run = simulate(case.graph(), case.clip(), "auto")
    told = [key for key, a in run.counts.table.items() if a.any() and key[1] not in STILL]
    assert not told
    neurons = sum(int(np.prod(layer.out)) for layer in case.layers)
    assert run.counts.total("neuron_idle") == neurons * case.steps * case.samples
    report = ns.price(run, "loihi1")
    assert set(report.by_event()) == {"neuron_idle"}


def counts_scale_with_steps_and_samples(case: Case) -> None:
    """A clip shown twice in a row: twice the input, first-layer events, neuron-steps, dense MACs.
    Every clip twice in the batch: twice of everything."""
    clip = case.clip()
    once = simulate(case.graph(), clip, "auto")
    longer = replace(case, steps=2 * case.steps)
    graph = longer.graph()
    twice = simulate(graph, np.concatenate([clip, clip]), "auto")
    for node, event in once.counts.table:
        if node in ("clip", "l0") or event == "state_read" and node.startswith("n"):
            assert twice.counts.get(node, event) == 2 * once.counts.get(node, event), (node, event)
    assert sum(graph.dense_macs().values()) == 2 * sum(case.graph().dense_macs().values())
    wider = replace(case, samples=2 * case.samples)
    doubled = simulate(wider.graph(), np.concatenate([clip, clip], axis=1), "auto")
    for node, event in once.counts.table:
        assert doubled.counts.get(node, event) == 2 * once.counts.get(node, event), (node, event)
    for chip in CHIPS:
        pair = ns.price(once, chip).joules, ns.price(doubled, chip).joules
        assert math.isclose(2 * pair[0], pair[1], rel_tol=1e-12)


# ---- by default


@few(130)
@given(cases())
def test_both_engines_count_what_brute_force_counts(case: Case) -> None:
    both_engines_count_what_brute_force_counts(case)


@few(40)
@given(cases(kinds=("spike", "graded"), biased=False))
def test_silence_costs_idle_steps_alone(case: Case) -> None:
    silence_costs_idle_steps_alone(case)


@few(40)
@given(cases())
def test_counts_scale_with_steps_and_samples(case: Case) -> None:
    counts_scale_with_steps_and_samples(case)


# ---- every night


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@many(1400)
@given(cases())
def test_both_engines_on_many_networks(case: Case) -> None:
    both_engines_count_what_brute_force_counts(case)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@many(400)
@given(cases(kinds=("spike", "graded"), biased=False))
def test_silence_of_many_networks(case: Case) -> None:
    silence_costs_idle_steps_alone(case)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@many(400)
@given(cases())
def test_scaling_of_many_networks(case: Case) -> None:
    counts_scale_with_steps_and_samples(case)
