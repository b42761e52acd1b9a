"""Events and reals into weights, and biases, under a convention (counting rules, sections 3, 6 and
9).
"""

from __future__ import annotations

import math

from neurosim.energy.line import DISCRETE, Bill, Reading
from neurosim.ir.facts import NodeFacts

EVENTS = ("synapse", "graded_synapse", "mac", "masked_mac")


def bill_weights(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    """Lines of a node that holds weights."""
    if reading.convention.execution == "dense":
        bill.add(facts, "mac", "mac", facts.dense_macs * reading.samples)
    else:
        _events(reading, facts, bill)
        _reals(reading, facts, bill)
        _masked(reading, facts, bill)
    if facts.role == "weights":
        bill_bias(reading, facts, facts, reading.count(facts.name, "add"), bill)


def _events(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    spikes = reading.count(facts.name, "synapse")
    graded = reading.count(facts.name, "graded_synapse")
    if not spikes and not graded:
        return
    factor = _positions(reading, facts, spikes + graded, bill) * _not_zero(
        reading, facts, spikes + graded
    )
    bill.add(facts, "synapse", "synapse", spikes * factor, "synapse")
    rule = reading.convention.graded
    if rule == "unit":
        units = reading.count(facts.name, "graded_unit")
        bill.add(facts, "graded_synapse", "synapse", units * factor, "graded_unit")
    else:
        billed = "mac" if rule == "mac" else "graded_synapse"
        bill.add(facts, "graded_synapse", billed, graded * factor, "graded_synapse")


def _positions(reading: Reading, facts: NodeFacts, events: int, bill: Bill) -> float:
    """Billed operations per counted one.

    padded: active inputs × dense MACs / inputs; lemaire: active inputs × Π⌈k/s⌉ × C_out / groups.
    """
    rule = reading.convention.positions
    if rule == "existing":
        return 1.0
    active, inputs = reading.count(facts.name, "activation_read"), reading.input_elements(facts)
    if rule == "lemaire" and active and facts.weight_shape:
        return active * ceiling_fan_out(facts) / events
    if facts.dense_macs and active and inputs:
        return active * facts.dense_macs * reading.samples / inputs / events
    if facts.dense_macs and facts.existing_macs:
        return facts.dense_macs / facts.existing_macs
    bill.note(f"positions: {rule} not known, billed as counted", facts.name)
    return 1.0


def ceiling_fan_out(facts: NodeFacts) -> int:
    """Π⌈k/s⌉ × C_out / groups of a convolution, the outputs of a dense layer (Lemaire 2022,
    equations 1.4 and 2.4).
    """
    shape = facts.geometry
    if shape is None:
        return facts.weight_shape[0]
    reach = math.prod(-(-k // s) for k, s in zip(shape.kernel, shape.stride, strict=False))
    return reach * shape.channels_out // max(1, shape.groups)


def _not_zero(reading: Reading, facts: NodeFacts, events: int) -> float:
    if reading.convention.zero_weights == "count":
        return 1.0
    return 1.0 - reading.count(facts.name, "synapse_zero") / events


def _reals(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    counted = reading.count(facts.name, "mac")
    if not counted:
        return
    padded = reading.convention.positions != "existing" and facts.dense_macs
    quantity = float(facts.dense_macs * reading.samples if padded else counted)
    if facts.stem and reading.convention.stem == "once":
        quantity /= max(1, facts.steps)
    billed, share = _real_rule(reading, facts, bill)
    bill.add(facts, "mac", billed, quantity * share, "mac")


def _real_rule(reading: Reading, facts: NodeFacts, bill: Bill) -> tuple[str, float]:
    """(billed event, share) of a real operand into weights; the stem is always MAC."""
    rule = reading.convention.real_into_weights
    if facts.stem or rule == "mac":
        return "mac", 1.0
    if rule == "ac":
        return "synapse", 1.0
    rate = reading.inherited_rate(facts)
    if rate is None:
        bill.note("no spiking source to inherit a rate from, billed as MACs", facts.name)
        return "mac", 1.0
    return "synapse", rate


def _masked(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    """Non-zero elements of a spike-masked real: MACs, or accumulations where reals are so."""
    counted = reading.count(facts.name, "masked_mac")
    padded = reading.convention.positions != "existing" and facts.existing_macs
    factor = facts.dense_macs / facts.existing_macs if padded else 1.0
    billed = "mac" if reading.convention.real_into_weights == "mac" else "synapse"
    bill.add(facts, "masked_mac", billed, counted * factor, "masked_mac")


def bill_bias(
    reading: Reading, facts: NodeFacts, layer: NodeFacts | None, adds: int, bill: Bill
) -> None:
    """``adds`` additions of a bias at a node, whether a weight node holds it or the neuron that it
    was sunk into; ``layer``: the weight node that it belongs to.
    """
    rule = reading.convention.bias
    if rule == "none":
        bill.leave_out("add", adds, "biases, by the convention (bias: none)")
    elif rule == "ac":
        bill.add(facts, "add", "add", adds, "add")
    elif layer is None:
        bill.note("bias of an unknown layer, billed as additions", facts.name)
        bill.add(facts, "add", "add", adds, "add")
    else:
        billed, share = _bias_with_layer(reading, layer, bill)
        bill.add(facts, "add", billed, adds * share, "add")


def _bias_with_layer(reading: Reading, facts: NodeFacts, bill: Bill) -> tuple[str, float]:
    """A bias is one more operation per output, at the layer's own rate and price."""
    if reading.convention.execution == "dense":
        return "mac", 1.0
    if not facts.in_kinds or facts.in_kinds[0] not in DISCRETE:
        return _real_rule(reading, facts, bill)
    elements = reading.input_elements(facts)
    return "synapse", reading.count(facts.name, "activation_read") / elements if elements else 1.0
