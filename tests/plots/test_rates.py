"""Rates and time constants by layer, against the modules, the run and the published vector."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.errors import RatesError
from neurosim.plots.rates import block_of, rate_table
from neurosim.plots.span import Span
from neurosim.plots.time_constant import in_steps, time_constant


def test_table_of_a_run_is_its_modules_and_its_rates(run: ns.Run, net: torch.nn.Module) -> None:
    table = rate_table(run)
    assert [x.node for x in table.layers] == ["lif1", "lif2"]
    assert [x.depth for x in table.layers] == [1, 2]
    assert [x.neurons for x in table.layers] == [64, 10]
    assert dict(zip(("lif1", "lif2"), table.rates, strict=True)) == run.firing_rates()
    assert 0 < min(table.rates) < max(table.rates) < 1
    assert table.mean_rate_of_neurons == pytest.approx(run.mean_firing_rate(), rel=1e-12)
    assert table.mean_rate == pytest.approx(np.mean(table.rates), rel=1e-12)


def test_time_constants_of_a_captured_plif_are_the_modules(
    run: ns.Run, net: torch.nn.Module
) -> None:
    for layer in rate_table(run).layers:
        tau = net.get_submodule(layer.node).tau
        assert layer.tau == Span(tau, tau, tau)
    saved = replace(run, graph=None)
    assert rate_table(saved).taus == rate_table(run).taus


def test_mean_over_neurons_weighs_by_the_steps_that_a_layer_runs() -> None:
    """A layer behind a pooling over time runs once a clip."""
    table = {
        ("a", "spike"): np.array([[1, 2, 3]]), ("a", "neuron_active"): np.array([[10, 10, 10]]),
        ("b", "spike"): np.array([[0, 0, 8]]), ("b", "neuron_idle"): np.array([[0, 0, 10]]),
    }  # fmt: skip
    found = rate_table(ns.Run.from_counts(ns.Counts(table, 1, 3)))
    assert found.rates == [0.2, 0.8] and [x.neuron_steps for x in found.layers] == [30, 10]
    assert found.mean_rate_of_neurons == pytest.approx(14 / 40)


def test_published_vector_of_svformer() -> None:
    """The aggregates of the reference notes: 39 layers, 10.38 % and 12.12 %, τ 2.31 (1.03 to
    4.40), 5,218,304 neurons, 10.12 M spikes a video."""
    table = rate_table(ns.models.published("svformer") or {})
    assert len(table.layers) == 39
    assert round(100 * table.mean_rate, 2) == 10.38
    assert round(100 * (table.mean_rate_of_neurons or 0), 2) == 12.12
    assert round(table.mean_tau or 0, 2) == 2.31
    assert (round(min(table.taus), 2), round(max(table.taus), 2)) == (1.03, 4.40)
    assert sum(x.neurons or 0 for x in table.layers) == 5_218_304
    assert round(sum(x.rate * (x.neuron_steps or 0) for x in table.layers) / 1e6, 2) == 10.12
    assert table.summary()["tau_high"] == 4.4031


def test_plain_rates_have_neither_sizes_nor_time_constants() -> None:
    table = rate_table({"a": 0.5, "b": 0})
    assert table.rates == [0.5, 0.0] and table.mean_rate == 0.25
    assert table.mean_rate_of_neurons is None and table.mean_tau is None and table.taus == []


@pytest.mark.parametrize(
    "given", [{}, {"a": -0.1}, {"a": float("nan")}, {"a": "much"}, {"a": True}, {"plif": {"a": {}}}]
)
def test_what_is_no_rate_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(RatesError) as error:
        rate_table(given)
    assert "\n" not in str(error.value)


def test_a_run_without_neurons_is_refused() -> None:
    counts = ns.Counts({("fc", "mac"): np.array([[3]])}, 1, 1)
    with pytest.raises(RatesError, match="no layer"):
        rate_table(ns.Run.from_counts(counts))


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        ({"integrate": "decay", "v_decay": 0.75}, 4.0),
        ({"integrate": "decay", "v_decay": 1.0}, math.inf),
        ({"integrate": "difference", "leak": "multiply", "k": 0.125}, 8.0),
        ({"integrate": "leak_add", "leak": "divide", "tau": 2.5, "k": 0.5}, 2.5),
    ],
)
def test_time_constant_of_an_equation_by_hand(
    run: ns.Run, equation: dict[str, object], expected: float
) -> None:
    facts = replace(run.facts["lif1"], neuron={**run.facts["lif1"].neuron, **equation})
    assert time_constant(facts) == Span(expected, expected, expected)


def test_time_constant_is_when_an_undriven_membrane_has_lost_its_step_share() -> None:
    """1/τ is the share of v that one step takes away."""
    v, d = 1.0, 0.9
    tau = float(in_steps("v_decay", np.array(d)))
    assert v - d * v == pytest.approx(v / tau)


def test_time_constants_that_differ_between_neurons(run: ns.Run) -> None:
    assert run.graph is not None
    k = np.array([0.5, 0.25, 0.2, 1.0], np.float32).reshape(4, 1, 1)
    nodes = tuple(
        replace(n, params={**n.params, "k": "k"}) if n.name == "lif1" else n
        for n in run.graph.nodes
    )
    graph = run.graph.with_nodes(nodes, params={**run.graph.params, "k": k})
    found = time_constant(run.facts["lif1"], graph)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((3.0, 1.0, 5.0))


def test_a_leak_that_was_not_kept_with_the_run_is_not_made_up(run: ns.Run) -> None:
    facts = run.facts["lif1"]
    silent = {k: v for k, v in facts.neuron.items() if k != "arrays"}  # as older runs were kept
    unkept = replace(facts, parameters=4, neuron={**silent, "affine": False})
    assert time_constant(unkept) is None
    named = replace(unkept, neuron={**facts.neuron, "arrays": ["v_threshold"]})
    assert time_constant(named) == time_constant(facts)
    named = replace(unkept, neuron={**facts.neuron, "arrays": ["k"]})
    assert time_constant(named) is None
    assert time_constant(replace(facts, neuron={})) is None


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        ("blocks3.0.attn.q_lif", "attention"),
        ("blocks1.0.mlp.act1", "MLP"),
        ("patch_embed2.in_lif", "embedding"),
        ("lif_bf_head", "head"),
        ("lplif", "other"),
        ("blocks1.0.act1", "other"),
    ],
)
def test_kind_of_block(node: str, kind: str) -> None:
    assert block_of(node) == kind
