"""Products of two activities under a convention (counting rules, sections 4 and 9)."""

from __future__ import annotations

from neurosim.energy.line import DISCRETE, Bill, Reading
from neurosim.ir.facts import NodeFacts

EVENTS = ("coincidence", "coincidence_unit", "fanout_left", "fanout_right")


def bill_product(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    """Lines of a product of two activities; real × real is MAC, real × events the active side's
    fan-out.
    """
    name = facts.name
    if reading.convention.execution == "dense":
        bill.add(facts, "mac", "mac", facts.dense_macs * reading.samples)
        return
    bill.add(facts, "mac", "mac", reading.count(name, "mac"), "mac")
    bill.add(facts, "masked_mac", "mac", reading.count(name, "masked_mac"), "masked_mac")
    event = _billed_event(reading, facts)
    if _both(facts, "graded") and reading.convention.graded != "event":
        _graded(reading, facts, bill, event)
    else:
        bill.add(facts, event, "coincidence", reading.count(name, event), event)


def _graded(reading: Reading, facts: NodeFacts, bill: Bill, event: str) -> None:
    """Integer × integer: as many accumulations as the product says, or one MAC each."""
    if reading.convention.graded == "mac":
        bill.add(facts, event, "mac", reading.count(facts.name, event), event)
        return
    units = reading.count(facts.name, "coincidence_unit")
    bill.add(facts, "coincidence_unit", "coincidence", units, "coincidence_unit")


def _both(facts: NodeFacts, kind: str) -> bool:
    return len(facts.in_kinds) == 2 and set(facts.in_kinds) == {kind}


def _billed_event(reading: Reading, facts: NodeFacts) -> str:
    """Which of the counted quantities stands for the product."""
    left, right = _sides(facts)
    if left != right:  # one side is real: only the other side's events happen
        return "fanout_left" if left else "fanout_right"
    rule = reading.convention.spike_products
    return _spikingformer(reading, facts) if rule == "spikingformer" else rule


def _sides(facts: NodeFacts) -> tuple[bool, bool]:
    if len(facts.in_kinds) < 2:
        return True, True
    return facts.in_kinds[0] in DISCRETE, facts.in_kinds[1] in DISCRETE


def _spikingformer(reading: Reading, facts: NodeFacts) -> str:
    """The smaller fan-out for spike × spike, the spike side's for spike × graded."""
    if facts.in_kinds == ("spike", "graded"):
        return "fanout_left"
    if facts.in_kinds == ("graded", "spike"):
        return "fanout_right"
    left, right = (reading.count(facts.name, e) for e in ("fanout_left", "fanout_right"))
    return "fanout_left" if left <= right else "fanout_right"
