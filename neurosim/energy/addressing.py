"""Finding words: the integer arithmetic of addresses (Lemaire et al., ICONIP 2022, equations 16 and
17), where a dataflow prices it.
"""

from __future__ import annotations

import math

from neurosim.energy.line import Bill, Reading
from neurosim.ir.facts import NodeFacts

ADD, MAC = "address_add", "address_mac"  # billed; priced by the dataflow
_SYNAPTIC = ("synapse", "graded_synapse")
_REAL = ("mac", "masked_mac")


def bill_addressing(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    """An event carries its address: two multiply-adds find its place in a convolution (16.2), one
    addition each of its synapses (16.3, 17.2, at the positions that exist). Reals are walked
    through by counters: an addition per word of input, output and kernel, of a dense layer one per
    weight. Of two activities, one addition for each product that is accumulated.
    """
    if facts.role == "weights" or any(reading.count(facts.name, e) for e in _SYNAPTIC):
        _weights(reading, facts, bill)
    elif facts.role == "product":
        products = reading.count(facts.name, "state_read")
        bill.add(facts, "addressing", ADD, products, "state_read")


def _weights(reading: Reading, facts: NodeFacts, bill: Bill) -> None:
    synaptic = 0 if reading.convention.execution == "dense" else _synaptic(reading, facts)
    if not synaptic:
        bill.add(facts, "addressing", ADD, _walk(reading, facts))
        return
    if facts.geometry is not None:
        events = reading.count(facts.name, "activation_read")
        bill.add(facts, "addressing", MAC, 2 * events, "activation_read")
    for event in _SYNAPTIC:
        bill.add(facts, "addressing", ADD, reading.count(facts.name, event), event)


def _synaptic(reading: Reading, facts: NodeFacts) -> int:
    return sum(reading.count(facts.name, event) for event in _SYNAPTIC)


def _walk(reading: Reading, facts: NodeFacts) -> float:
    """Counter steps of a layer of reals, in proportion to the MACs that happened."""
    if reading.convention.execution == "dense":
        return _counters(reading, facts)
    real = sum(reading.count(facts.name, event) for event in _REAL)
    every = facts.existing_macs * reading.samples
    return _counters(reading, facts) * real / every if every else 0.0


def _counters(reading: Reading, facts: NodeFacts) -> int:
    if facts.geometry is None:
        return facts.dense_macs * reading.samples
    kernel = math.prod(facts.geometry.kernel) * facts.geometry.channels_out
    slices = max(1, facts.steps) * reading.samples
    return reading.input_elements(facts) + reading.output_elements(facts) + kernel * slices
