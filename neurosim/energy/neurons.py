"""Neuron updates and input neurons under a convention (counting rules, sections 5 and 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.energy.line import DISCRETE, Bill, Reading
from neurosim.energy.weights import bill_bias
from neurosim.ir.facts import NodeFacts
from neurosim.ir.neuron import Neuron
from neurosim.ir.run import Run

EVENTS = ("neuron_active", "neuron_idle", "spike")


def bill_neuron(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    """Lines of a neuron node."""
    active, idle = (reading.count(facts.name, e) for e in ("neuron_active", "neuron_idle"))
    rule = reading.convention.neuron_updates
    if rule == "none":
        bill.leave_out(
            "neuron_active", active, "neuron updates, by the convention (neuron_updates: none)"
        )
        bill.leave_out(
            "neuron_idle", idle, "neuron updates, by the convention (neuron_updates: none)"
        )
    elif rule == "one_ac":
        bill.add(facts, "neuron_active", "add", active, "neuron_active")
        bill.add(facts, "neuron_idle", "add", idle, "neuron_idle")
    elif rule == "arithmetic":
        _arithmetic(reading, facts, active + idle, bill)
    else:
        _chip(reading, facts, active, idle, bill)
    if facts.neuron.get("affine") == "bias":
        bill_bias(reading, facts, bias_layer(reading.run, facts), active + idle, bill)
    elif rule in ("arithmetic", "chip"):
        _affine(reading, facts, active + idle, bill)


def _arithmetic(reading: Reading, facts: NodeFacts, updates: int, bill: Bill) -> None:
    if not facts.neuron:
        bill.note(
            "neuron equation unknown: its update is billed as a plain leaky integrate-and-fire",
            facts.name,
        )
    neuron = Neuron.from_dict(facts.neuron) if facts.neuron else Neuron(v_decay=0.5)
    for billed, each in update_arithmetic(neuron).items():
        bill.add(facts, "neuron_update", billed, each * updates)
    each_spike = (neuron.reset == "subtract") + neuron.adaptation
    bill.add(
        facts, "neuron_update", "add", each_spike * reading.count(facts.name, "spike"), "spike"
    )


def _affine(reading: Reading, facts: NodeFacts, updates: int, bill: Bill) -> None:
    """A norm or scale sunk into the neuron: ``affine`` is True or "scale"; a "bias" is a bias."""
    part = facts.neuron.get("affine")
    if part and reading.convention.per_step_affine == "free":
        why = "norms sunk into neurons, by the convention (per_step_affine: free)"
        bill.leave_out("multiply", updates, why)
    elif part:
        bill.add(facts, "neuron_affine", "multiply", updates)
        bill.add(facts, "neuron_affine", "add", updates * (part != "scale"))


def bias_layer(run: Run, facts: NodeFacts) -> NodeFacts | None:
    """The weight node whose bias the neuron took over: the nearest before it with its output."""
    found = None
    for node in run.facts.values():
        if node.name == facts.name:
            return found
        if node.role == "weights" and not node.bias and node.out_shape == facts.out_shape:
            found = node
    return None


def update_arithmetic(neuron: Neuron) -> dict[str, int]:
    """Operations of one update, read off the numbered lines of ``ir.neuron``; a factor of 1 and a
    rest of 0 are free.

    A division by a constant counts as one multiply, v / threshold of a multi-spike neuron as one
    special; a reset to a value selects and costs nothing, a subtraction costs one add per spike
    (billed by spikes, not here).
    """
    several, floor, rests = neuron.max_spikes != 1, neuron.v_min is not None, neuron.refractory > 0
    leak_add, leak_multiply = _leak(neuron)
    current_add, current_multiply = _CURRENT[neuron.current]
    return {
        "add": leak_add + current_add + 2 * neuron.adaptation + 2 * floor + rests,
        "multiply": leak_multiply + current_multiply + (neuron.gain != 1.0) + neuron.adaptation,
        "compare": (neuron.fires != "never") + floor + rests,
        "special": int(several),
    }


_CURRENT = {  # additions and multiplications of line 3
    "none": (0, 0), "jump_first": (2, 1), "decay_first": (1, 1), "jump_decay": (1, 1),
    "delayed": (2, 1),
}  # fmt: skip


def _leak(neuron: Neuron) -> tuple[int, int]:
    """Additions and multiplications of line 4."""
    if neuron.integrate == "decay":
        return 1, int(neuron.v_decay != 1.0)
    factor = neuron.tau if neuron.leak == "divide" else neuron.k
    return 2 + (neuron.v_leak != 0.0), int(factor != 1.0)


def _chip(reading: Reading, facts: NodeFacts, active: int, idle: int, bill: Bill) -> None:
    updated = _updated(reading, facts, active, idle, bill)
    bill.add(facts, "neuron_active", "neuron_active", updated, "neuron_active")
    bill.add(facts, "neuron_idle", "neuron_idle", active + idle - updated, "neuron_idle")
    bill.add(facts, "spike", "spike", reading.count(facts.name, "spike"), "spike")


def _updated(reading: Reading, facts: NodeFacts, active: int, idle: int, bill: Bill) -> int:
    """Neuron-steps that pay the active update.

    no_event: those that received one. The other rules depend on the state, which counts do not
    hold: a run may count ``neuron_updated``; else every step of a neuron that was ever touched is
    billed, an upper bound.
    """
    rule = reading.convention.idle_rule
    if rule != "no_event" and (facts.name, "neuron_updated") in reading.totals:
        return reading.count(facts.name, "neuron_updated")
    if rule == "no_event" or not idle:
        return active
    if rule == "state_unchanged" and _holds_still(facts.neuron) or not active:
        return active
    bill.note(f"idle_rule: {rule} bills every step as active, an upper bound", facts.name)
    return active + idle


def _holds_still(facts: Mapping[str, Any]) -> bool:
    """Without leak, current and adaptation, a neuron without input keeps its state."""
    neuron = Neuron.from_dict(facts) if facts else Neuron(v_decay=0.5)
    return not neuron.leaky and neuron.current == "none" and not neuron.adaptation


def bill_input(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    """The clip's elements as neurons of the chip, where the convention says so. A real clip that
    drives neurons alone is their current: they are the input neurons, and counted already.
    """
    elements = reading.output_elements(facts)
    if not reading.convention.input_neurons or not elements:
        return
    if facts.out_kind not in DISCRETE and not any(f.stem for f in reading.run.facts.values()):
        return
    events = reading.count(facts.name, "input_event")
    active = events if facts.out_kind in DISCRETE else elements
    bill.add(facts, "neuron_active", "neuron_active", active, "input_event")
    bill.add(facts, "neuron_idle", "neuron_idle", elements - active)
    bill.add(facts, "input_event", "spike", events, "input_event")
