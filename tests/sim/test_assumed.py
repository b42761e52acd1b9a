"""Expected counts from rates: equal to the mean of what Bernoulli spikes count."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurosim.errors import RatesError
from neurosim.ir.graph import Graph
from neurosim.ir.neuron import IF
from neurosim.sim.assumed import activity_from_rates
from neurosim.sim.simulate import simulate
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import average, conv, neuron

RELAY = IF(v_threshold=1.0, fires=">=").to_dict()  # every spike in is a spike out
STEPS, SHAPE, RATE = 10, (8, 12, 12), 0.2


def net() -> Graph:
    """Bernoulli clip → relay → conv, linear, pool → conv, attention-like product."""
    rng = np.random.default_rng(0)
    params = {
        "c": rng.normal(size=(4, 8, 3, 3)),
        "g": rng.normal(size=(8, 1, 3, 3)),
        "cb": rng.normal(size=4),
        "fc": rng.normal(size=(5, 8 * 144)),
        "p": rng.normal(size=(3, 8, 1, 1)),
    }
    params["c"][0] = 0
    nodes = [input_node(SHAPE, STEPS), node("relay", "neuron", "clip", equation=RELAY)]
    nodes += [conv("c", "relay", {"weight": "c", "bias": "cb"}, padding=(1, 1), stride=(2, 2))]
    nodes += [
        conv("g", "relay", {"weight": "g"}, groups=8),
        node("flat", "reshape", "relay", shape=(8 * 144,)),
    ]
    nodes += [node("fc", "linear", "flat", params={"weight": "fc"}), average("pool", "relay")]
    nodes += [
        conv("p", "pool", {"weight": "p"}),
        node("n", "neuron", "c", equation=IF(v_threshold=1e6).to_dict()),
    ]
    nodes += [
        node("a", "reshape", "relay", shape=(8, 144)),
        node("b", "permute", "a", order=(1, 0)),
    ]
    nodes += [
        node("qk", "matmul", "a", "b"),
        node("m", "neuron", "g", equation=IF(v_threshold=1e6).to_dict()),
    ]
    columns = {"axis": 1, "step": 1}  # of two independent operands: 12 places each
    nodes += [node("left", "slice", "a", start=0, stop=12, **columns)]
    nodes += [node("right", "slice", "a", start=12, stop=24, **columns)]
    nodes += [node("turned", "permute", "right", order=(1, 0))]
    nodes += [node("kv", "matmul", "left", "turned")]
    nodes += [node("kv.fc", "linear", "kv", params={"weight": "kv"})]
    params["kv"] = rng.normal(size=(64, 8))
    held = {k: v.astype(np.float32) for k, v in params.items()}
    return built(nodes, held, STEPS, 1, ("fc", "p", "n", "qk", "m", "kv.fc"))


def test_expected_counts_are_the_mean_of_bernoulli_counts() -> None:
    graph, samples = net(), 40
    clip = (np.random.default_rng(1).random((STEPS, samples, *SHAPE)) < RATE).astype(np.float32)
    measured = simulate(graph, clip, "dense").counts
    expected = activity_from_rates(graph, {"clip": RATE, "relay": RATE, "n": 0.0, "m": 0.0}).counts
    compared = 0
    for name, event, array in expected:
        found, exact = measured.get(name, event) / samples, int(array.sum())
        if name == "qk" and event.startswith(("coincidence", "state")):
            continue  # the operands are the same spikes here, not independent ones
        assert found == pytest.approx(exact, rel=0.02, abs=2 * STEPS), (name, event)
        compared += exact > 0
    assert compared > 25
    for name in ("c", "g", "fc"):
        assert expected.get(name, "synapse") > 0
    assert expected.get("kv.fc", "graded_unit") > expected.get("kv.fc", "graded_synapse") > 0
    assert expected.get("c", "synapse_zero") == STEPS * 462  # 1850 / 4, half to even
    assert expected.get("n", "neuron_active") + expected.get("n", "neuron_idle") == 4 * 36 * STEPS


def test_closed_forms_round_the_running_sum_half_to_even() -> None:
    graph = net()
    run = activity_from_rates(graph, 0.1)
    steps = run.counts.array("fc", "synapse")
    np.testing.assert_array_equal(steps, np.full((1, STEPS), 5 * 8 * 144 // 10))
    fan = 6 + 2 * 5 + 1  # along 12, stride 2, kernel 3, padding 1: even places, odd ones, the last
    assert run.counts.get("c", "synapse") == np.rint(STEPS * 0.1 * 8 * 4 * fan**2)
    assert run.counts.get("qk", "coincidence") == np.rint(STEPS * 8 * 8 * 144 * 0.01)
    half = built([input_node((5,), 2), neuron("n", "clip")], {}, 2)
    spikes = activity_from_rates(half, {"clip": 0.5, "n": 0.5}).counts.array("n", "spike")
    np.testing.assert_array_equal(spikes, [[2, 3]])  # 2.5 → 2, then 5


def test_what_the_run_says_of_itself() -> None:
    run = activity_from_rates(net(), 0.25, 4)
    assert run.manifest.activity == "assumed" and run.steps == 4 and run.samples == 1
    assert run.firing_rates()["relay"] == 0.25
    assert activity_from_rates(net(), 0.25, activity="published").manifest.activity == "published"


def test_silence_costs_idle_neurons_and_biases_alone() -> None:
    counts = activity_from_rates(net(), 0.0).counts
    assert (
        counts.synaptic_operations() == counts.total("spike") == counts.total("neuron_active") == 0
    )
    assert counts.get("c", "add") == 4 * 36 * STEPS


@pytest.mark.parametrize("suffix", ["json", "csv", "csv without header"])
def test_rates_from_a_file(tmp_path: Path, suffix: str) -> None:
    rates = {"clip": 0.2, "relay": 0.1, "n": 0.3, "m": 0.0}
    path = tmp_path / f"rates.{suffix.split()[0]}"
    lines = [f"{k},{v}" for k, v in rates.items()]
    head = ["node,rate"] if suffix == "csv" else []
    path.write_text(json.dumps(rates) if suffix == "json" else "\n".join(head + lines))
    assert activity_from_rates(net(), path).counts == activity_from_rates(net(), rates).counts


GOOD = {"clip": 0.1, "relay": 0.1, "n": 0.1, "m": 0.1}


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (1.5, "the rate of 'relay' is 1.5; a rate is between 0 and 1"),
        (-0.1, "is -0.1"),
        (float("nan"), "is nan"),
        (GOOD | {"relya": 0.1}, "unknown neuron node in the rates 'relya'; did you mean relay"),
        ({"clip": 0.1, "relay": 0.1}, "no rate for n, m; give every neuron one"),
        (GOOD | {"n": "often"}, "the rate of 'n' is often"),
        ("missing.json", "no such rates file: missing.json"),
    ],
)
def test_rates_that_are_refused(rates: object, message: str) -> None:
    with pytest.raises(RatesError, match=message) as error:
        activity_from_rates(net(), rates)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"n": "x"}', "null"])
def test_a_rates_file_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rates.json"
    path.write_text(text)
    with pytest.raises(RatesError, match="rates.json: not a table of rates"):
        activity_from_rates(net(), path)
    path = tmp_path / "rates.csv"
    path.write_text("only one column\n")
    with pytest.raises(RatesError, match="rates.csv"):
        activity_from_rates(net(), path)


def test_a_rate_below_one_spike_a_step_is_not_lost() -> None:
    run = activity_from_rates(net(), 0.0003)
    for name, rate in run.firing_rates().items():
        neuron_steps = run.facts[name].neurons * STEPS
        assert run.counts.get(name, "spike") == np.rint(0.0003 * neuron_steps)
        assert abs(rate - 0.0003) <= 0.5 / neuron_steps
