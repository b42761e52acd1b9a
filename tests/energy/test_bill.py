"""Every key of a convention changes what it should, by the amount it should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from neurosim.energy.bill import bill
from neurosim.energy.line import Bill
from neurosim.energy.neurons import update_arithmetic
from neurosim.energy.price import price
from neurosim.hardware import load_convention, with_counts
from neurosim.ir.facts import Geometry, NodeFacts
from neurosim.ir.neuron import IF, LIF, AdaptiveLIF, CurrentLIF, Neuron
from neurosim.ir.run import Run
from tests.energy import reference
from tests.energy.reference import CELLS, near


def lines(run: Run, **keys: Any) -> dict[tuple[str, str, str], float]:
    """(node, event, billed) → quantity per step and sample; ``exact`` with keys replaced."""
    found = bill(run, with_counts("exact", keys)).lines
    return {(x.node, x.event, x.billed): x.quantity / CELLS for x in found}


RUN = reference.run()
FC = ("fc", "synapse", "synapse")


def test_positions() -> None:
    assert lines(RUN)[FC] == 15
    assert lines(RUN, positions="padded")[FC] == 5 * 96 / 32  # active × dense / inputs
    assert lines(RUN, positions="padded")["stem", "mac", "mac"] == 288
    assert lines(RUN, positions="lemaire")[FC] == 5 * 3
    shape = Geometry(2, 4, 1, (3, 3), (2, 2), (1, 1))
    nodes = {**reference.facts()}
    nodes["fc"] = replace(
        nodes["fc"], geometry=shape, dense_macs=288 * 2, weight_shape=(4, 2, 3, 3)
    )
    run = reference.run(nodes=nodes)
    assert lines(run, positions="lemaire")[FC] == 5 * 2 * 2 * 4  # ⌈3/2⌉² × 4
    assert lines(run, positions="padded")[FC] == 5 * 288 / 32


def test_padded_without_geometry_is_noted() -> None:
    nodes = {n: f for n, f in reference.facts().items() if n != "fc"}
    found = bill(reference.run(nodes=nodes), with_counts("exact", {"positions": "padded"}))
    assert any("positions" in note for note in found.notes)


def test_bias() -> None:
    assert lines(RUN)["fc", "add", "add"] == 3
    assert ("fc", "add", "add") not in lines(RUN, bias="none")
    with_layer = lines(RUN, bias="with_layer")
    assert with_layer["fc", "add", "synapse"] == near(3 * 5 / 32)
    assert with_layer["stem", "add", "mac"] == 32


def real_run(rates: bool = True) -> Run:
    """fc reads a real tensor that descends from lif."""
    sources = (("lif", 3.0), ("lif", 1.0)) if rates else ()
    nodes = {**reference.facts()}
    nodes["fc"] = replace(nodes["fc"], in_kinds=("real",), rate_sources=sources)
    counts = {**reference.COUNTS, ("fc", "mac"): 96, ("fc", "masked_mac"): 4}
    counts = {k: v for k, v in counts.items() if k[1] != "synapse"}
    return reference.run(counts, nodes)


def test_real_into_weights() -> None:
    run = real_run()
    assert lines(run)["fc", "mac", "mac"] == 96
    assert lines(run)["fc", "masked_mac", "mac"] == 4
    assert lines(run, real_into_weights="ac")["fc", "mac", "synapse"] == 96
    inherited = lines(run, real_into_weights="inherit")
    assert inherited["fc", "mac", "synapse"] == near(96 * 5 / 32)
    assert inherited["fc", "masked_mac", "synapse"] == 4
    for rule in ("mac", "ac", "inherit"):  # the stem is always MAC
        assert lines(run, real_into_weights=rule)["stem", "mac", "mac"] == 200
    orphan = lines(real_run(rates=False), real_into_weights="inherit")
    assert orphan["fc", "mac", "mac"] == 96


def test_stem_once() -> None:
    assert lines(RUN, stem="once")["stem", "mac", "mac"] == 200 / reference.STEPS


PRODUCT = {("qk", "coincidence"): 6, ("qk", "coincidence_unit"): 11,
           ("qk", "fanout_left"): 40, ("qk", "fanout_right"): 30}  # fmt: skip


def product(*kinds: str) -> Run:
    """One product of two activities."""
    node = NodeFacts("qk", "matmul", "product", 2, (), (), kinds, "graded", dense_macs=500)
    return reference.run(PRODUCT, {"qk": node})


@pytest.mark.parametrize(
    ("kinds", "rule", "event"),
    [
        (("spike", "spike"), "coincidence", "coincidence"),
        (("spike", "spike"), "fanout_left", "fanout_left"),
        (("spike", "spike"), "fanout_right", "fanout_right"),
        (("spike", "spike"), "spikingformer", "fanout_right"),
        (("spike", "graded"), "spikingformer", "fanout_left"),
        (("graded", "spike"), "spikingformer", "fanout_right"),
        (("real", "spike"), "coincidence", "fanout_right"),
        (("spike", "real"), "coincidence", "fanout_left"),
    ],
)
def test_spike_products(kinds: tuple[str, str], rule: str, event: str) -> None:
    expected = {("qk", event, "coincidence"): PRODUCT["qk", event]}
    assert lines(product(*kinds), spike_products=rule) == expected


def test_graded_products() -> None:
    run = product("graded", "graded")
    assert lines(run, graded="mac") == {("qk", "coincidence", "mac"): 6}
    assert lines(run, graded="unit") == {("qk", "coincidence_unit", "coincidence"): 11}
    assert lines(run, graded="event") == {("qk", "coincidence", "coincidence"): 6}


def test_graded_into_weights() -> None:
    nodes = {"fc": replace(reference.facts()["fc"], in_kinds=("graded",))}
    counts = {("fc", "graded_synapse"): 10, ("fc", "graded_unit"): 25, ("fc", "synapse_zero"): 2}
    run = reference.run(counts, nodes)
    assert lines(run, graded="unit") == {("fc", "graded_synapse", "synapse"): 25}
    assert lines(run, graded="mac") == {("fc", "graded_synapse", "mac"): 10}
    assert lines(run, graded="event") == {("fc", "graded_synapse", "graded_synapse"): 10}
    skipped = lines(run, graded="event", zero_weights="skip")
    assert skipped == {("fc", "graded_synapse", "graded_synapse"): 8}


def test_neuron_updates() -> None:
    arithmetic = lines(RUN, neuron_updates="arithmetic")
    assert arithmetic["lif", "neuron_update", "multiply"] == 32
    assert lines(RUN, neuron_updates="one_ac")["lif", "neuron_idle", "add"] == 12
    chip = lines(RUN, neuron_updates="chip")
    assert chip["lif", "neuron_active", "neuron_active"] == 20
    assert chip["lif", "spike", "spike"] == 5
    none = bill(RUN, with_counts("exact", {"neuron_updates": "none"}))
    assert not [
        x for x in none.lines if x.node == "lif" and not x.billed.endswith(("read", "write"))
    ]
    assert {e for e, _ in none.left_out} == {"neuron_active", "neuron_idle"}


def test_update_arithmetic_follows_the_equation() -> None:
    assert update_arithmetic(IF()) == {"add": 1, "multiply": 0, "compare": 1, "special": 0}
    assert update_arithmetic(LIF(v_decay=0.5, gain=0.5))["multiply"] == 2
    assert update_arithmetic(CurrentLIF(i_decay=0.9, v_decay=0.5))["add"] == 2
    assert update_arithmetic(AdaptiveLIF(b_k=0.1, b_jump=1.0, v_decay=0.5))["add"] == 3
    box = Neuron(integrate="add_leak", k=0.1, v_leak=0.2)
    assert update_arithmetic(box) == {"add": 3, "multiply": 1, "compare": 1, "special": 0}


def test_idle_rule() -> None:
    leaky = lines(RUN, neuron_updates="chip", idle_rule="state_unchanged")
    assert leaky["lif", "neuron_active", "neuron_active"] == 32
    nodes = {**reference.facts()}
    nodes["lif"] = replace(nodes["lif"], neuron=IF().to_dict())
    still = lines(reference.run(nodes=nodes), neuron_updates="chip", idle_rule="state_unchanged")
    assert still["lif", "neuron_active", "neuron_active"] == 20
    assert lines(RUN, neuron_updates="chip", idle_rule="sanafe")[
        "lif", "neuron_active", "neuron_active"
    ] == 32  # fmt: skip
    counted = reference.run({**reference.COUNTS, ("lif", "neuron_updated"): 25})
    known = lines(counted, neuron_updates="chip", idle_rule="sanafe")
    assert known["lif", "neuron_active", "neuron_active"] == 25
    assert known["lif", "neuron_idle", "neuron_idle"] == 7
    driven = {**reference.COUNTS, ("lif", "neuron_active"): 32, ("lif", "neuron_idle"): 0}
    real = reference.run({**driven, ("lif", "neuron_updated"): 25})
    known = lines(real, neuron_updates="chip", idle_rule="sanafe")
    assert known["lif", "neuron_active", "neuron_active"] == 25  # a real path may bring 0


def test_input_neurons() -> None:
    found = lines(RUN, neuron_updates="chip", input_neurons=True)
    assert found["clip", "neuron_active", "neuron_active"] == 16  # a real clip drives every element
    driven = {k: replace(v, stem=False) for k, v in reference.facts().items()}
    found = lines(reference.run(nodes=driven), neuron_updates="chip", input_neurons=True)
    assert not [k for k in found if k[0] == "clip"]  # it drives neurons alone: they are the inputs
    nodes = {**reference.facts()}
    nodes["clip"] = replace(nodes["clip"], out_kind="spike")
    run = reference.run({("clip", "input_event"): 6}, nodes)
    found = lines(run, input_neurons=True)
    assert found["clip", "neuron_active", "neuron_active"] == 6
    assert found["clip", "neuron_idle", "neuron_idle"] == 10
    assert found["clip", "input_event", "spike"] == 6


def test_affine_and_other_arithmetic() -> None:
    norm = NodeFacts("bn", "batch_norm", "arithmetic", 2, (), (), ("real",), "real")
    nodes = {**reference.facts(), "bn": norm}
    run = reference.run({("bn", "multiply"): 8, ("residual", "add"): 5}, nodes)
    assert lines(run) == {("bn", "multiply", "multiply"): 8, ("residual", "add", "add"): 5}
    assert lines(run, per_step_affine="free") == {("residual", "add", "add"): 5}
    assert lines(run, other_arithmetic="none") == {("bn", "multiply", "multiply"): 8}


def test_a_norm_sunk_into_a_neuron_is_billed_or_free() -> None:
    nodes = {**reference.facts()}
    nodes["lif"] = replace(nodes["lif"], neuron={**nodes["lif"].neuron, "affine": True})
    run = reference.run(nodes=nodes)
    assert lines(run)["lif", "neuron_affine", "multiply"] == 32
    assert ("lif", "neuron_affine", "multiply") not in lines(run, per_step_affine="free")


def sunk_run() -> Run:
    """The reference run after the stem's bias was sunk into lif: 32 additions of it at either."""
    nodes = {**reference.facts()}
    nodes["stem"] = replace(nodes["stem"], bias=False)
    nodes["lif"] = replace(nodes["lif"], neuron={**nodes["lif"].neuron, "affine": "bias"})
    counts = {k: v for k, v in reference.COUNTS.items() if k != ("stem", "add")}
    return reference.run(counts, nodes)


@pytest.mark.parametrize("updates", ["none", "one_ac", "arithmetic", "chip"])
@pytest.mark.parametrize("rule", ["none", "ac", "with_layer"])
def test_a_bias_sunk_into_a_neuron_is_billed_as_before(rule: str, updates: str) -> None:
    keys = {"bias": rule, "neuron_updates": updates, "per_step_affine": "multiply_add"}
    before = bill(RUN, with_counts("exact", keys))
    after = bill(sunk_run(), with_counts("exact", keys))

    def billed(found: Bill) -> dict[str, float]:
        totals: dict[str, float] = {}
        for x in found.lines:
            totals[x.billed] = totals.get(x.billed, 0.0) + x.quantity
        return totals

    assert billed(after) == near_each(billed(before))
    assert after.left_out == before.left_out
    free = with_counts("exact", {**keys, "per_step_affine": "free"})
    assert billed(bill(sunk_run(), free)) == billed(after)


def near_each(found: dict[str, float]) -> dict[str, float]:
    """Every figure equal to rounding."""
    return {k: near(v) for k, v in found.items()}


@pytest.mark.parametrize("chip", ["loihi1", "truenorth", "speck", "spinnaker2", "cmos_45nm"])
@pytest.mark.parametrize("keys", [{}, {"bias": "ac"}])
def test_sinking_a_bias_does_not_change_the_joules(chip: str, keys: dict[str, Any]) -> None:
    after = price(sunk_run(), chip, **keys)
    assert after.joules == near(price(RUN, chip, **keys).joules)


def test_a_sunk_bias_in_the_dataflow_of_lemaire() -> None:
    before, after = (price(r, "cmos_45nm_memory_lemaire") for r in (RUN, sunk_run()))
    assert after.by_price()["add"] == near(before.by_price()["add"])


def test_zero_weights_skip() -> None:
    assert lines(RUN, zero_weights="skip")[FC] == near(12)


def test_dense_execution() -> None:
    found = lines(RUN, execution="dense", neuron_updates="none", bias="none")
    assert found["fc", "mac", "mac"] == 96 and found["stem", "mac", "mac"] == 288
    assert FC not in found and ("fc", "state_read", "state_read") not in found
    assert found["fc", "weight_read", "weight_read"] == 96
    assert lines(product("spike", "spike"), execution="dense")["qk", "mac", "mac"] == 250


def test_views() -> None:
    assert with_counts("exact", {"views": "15"}).views == 15
    assert load_convention("exact").views == 1
