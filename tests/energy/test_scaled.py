"""A run at other rates, against clips that have exactly as many more events."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from neurosim.energy import price
from neurosim.energy.scaled import ScaledPlacement, scaled
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import Run
from tests.energy import reference
from tests.energy.reference import near

HIDDEN, OUT = 24, 5


def layer_fed_by(active: int) -> Run:
    """A dense layer with bias, ``active`` events into it in each of two steps of two samples, and a
    product of two activities of which so many meet on both sides: counted by brute force."""
    weights = np.zeros((OUT, HIDDEN))
    left, right = np.zeros((3, HIDDEN), int), np.zeros((HIDDEN, 3), int)
    left[:, :active], right[:active, 0] = 1, 1
    synapses = sum(weights[:, i].size for i in range(active))
    pairs = int((left[:, :, None] & right[None]).sum())
    per_cell = {
        ("fc", "synapse"): synapses, ("fc", "activation_read"): active, ("fc", "add"): OUT,
        ("fc", "weight_read"): synapses + OUT, ("fc", "state_read"): synapses,
        ("fc", "state_write"): synapses,
        ("qk", "coincidence"): pairs, ("qk", "fanout_left"): int(left.sum()) * 3,
        ("qk", "fanout_right"): int(right.sum()) * 3, ("qk", "state_read"): pairs,
        ("qk", "activation_read"): int(left.sum() + right.sum()), ("qk", "activation_write"): 9,
        ("lif", "neuron_active"): 10, ("lif", "spike"): active, ("lif", "activation_write"): active,
        ("lif", "state_read"): 10,
    }  # fmt: skip
    facts = [
        NodeFacts("fc", "linear", "weights", 2, ((HIDDEN,),), (OUT,), ("spike",), "real",
                  bias=True, dense_macs=2 * HIDDEN * OUT, existing_macs=2 * HIDDEN * OUT,
                  weight_shape=(OUT, HIDDEN), parameters=HIDDEN * OUT + OUT),
        NodeFacts("qk", "matmul", "product", 2, ((3, HIDDEN), (HIDDEN, 3)), (3, 3),
                  ("spike", "spike"), "graded", (0, HIDDEN), dense_macs=2 * 9 * HIDDEN),
        NodeFacts("lif", "neuron", "neuron", 2, ((10,),), (10,), ("real",), "spike", (0, 1)),
    ]  # fmt: skip
    return reference.run(per_cell, {f.name: f for f in facts})


@pytest.mark.parametrize("factor", [0, 1, 2, 3, Fraction(1, 3)])
def test_linear_counts_are_those_of_more_events(factor: Fraction) -> None:
    found, brute = scaled(layer_fed_by(6), factor), layer_fed_by(int(6 * factor))
    for key in brute.counts.table:
        if key[0] != "qk":
            assert found.counts.get(*key) == brute.counts.get(*key), key


def test_pairs_grow_as_the_square_and_fan_outs_do_not() -> None:
    run, found = layer_fed_by(6), scaled(layer_fed_by(6), 3)
    for event, power in (("coincidence", 9), ("state_read", 9), ("fanout_left", 3),
                         ("activation_read", 3), ("activation_write", 1)):  # fmt: skip
        assert found.counts.get("qk", event) == power * run.counts.get("qk", event) > 0


def test_real_operands_do_not_follow_a_rate() -> None:
    run = reference.run()
    for event in ("mac", "add", "weight_read", "activation_read", "activation_write"):
        assert scaled(run, 0).counts.get("stem", event) == run.counts.get("stem", event) > 0


@pytest.mark.parametrize("chip", ["cmos_45nm", "cmos_45nm_memory", "loihi1"])
def test_at_the_measured_rate_the_price_is_the_runs(chip: str) -> None:
    run = layer_fed_by(6)
    assert price(scaled(run, 1), chip).joules == near(price(run, chip).joules)
    assert price(scaled(run, 1, 1000), chip).joules_per_video == near(
        price(run, chip).joules_per_video
    )


class Chips:
    """A placement of one chip, three messages a spike."""

    chips, encodings = 1, dict[str, str]()

    def notes(self, run: Run) -> tuple[str, ...]:
        return ("placed",)

    def seconds(self, run: Run) -> float:
        return 1e-6 * run.counts.get("lif", "spike")

    def traffic(self, run: Run) -> dict[tuple[str, str], int]:
        return {("lif", "hop_ew"): 3 * run.counts.get("lif", "spike")}


def test_messages_follow_the_rate_and_time_does_not() -> None:
    run = layer_fed_by(6)
    placed = ScaledPlacement(Chips(), run, 2)
    assert placed.traffic(scaled(run, 2)) == Chips().traffic(scaled(run, 2))
    assert placed.seconds(scaled(run, 2)) == Chips().seconds(run) > 0
    once, twice = (
        price(scaled(run, s), "loihi1", ScaledPlacement(Chips(), run, s)) for s in (1, 2)
    )
    assert twice.by_event()["hop_ew"] == near(2 * once.by_event()["hop_ew"])
    assert twice.by_event()["static"] == near(once.by_event()["static"])
