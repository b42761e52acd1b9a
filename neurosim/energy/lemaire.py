"""The dataflow of Lemaire et al. (ICONIP 2022): reads, writes, operations and addressing of a
layer.

Equation numbers as in the paper. theta_in, theta_out: events entering and leaving. A weight node
carries the synapses' terms, a neuron node the potentials' and the output's; their sum is the
paper's layer. ``variant: code`` follows the published implementation, ``paper`` the printed
formulae.
"""

from __future__ import annotations

import math

from neurosim.energy.line import DISCRETE, Bill, Reading
from neurosim.energy.weights import ceiling_fan_out
from neurosim.hardware.schema import Dataflow
from neurosim.ir.facts import NodeFacts
from neurosim.ir.neuron import Neuron


def bill_lemaire(reading: Reading, facts: NodeFacts, dataflow: Dataflow, bill: Bill) -> bool:
    """Bill a layer by these formulae; False where they say nothing (products, pools, residuals)."""
    if dataflow.kind != "lemaire":
        return False
    if facts.role == "neuron":
        _neuron(reading, facts, dataflow, bill)
    elif facts.role == "weights" and facts.weight_shape:
        spiking = bool(facts.in_kinds) and facts.in_kinds[0] in DISCRETE
        dense = reading.convention.execution == "dense" or not spiking
        (_formal if dense else _spiking)(reading, facts, dataflow, bill)
    else:
        return False
    return True


def _fan_out(facts: NodeFacts) -> int:
    """C_out·Hk·Wk of a convolution, N_out of a dense layer."""
    shape = facts.geometry
    if shape is None:
        return facts.weight_shape[0]
    return math.prod(shape.kernel) * shape.channels_out // max(1, shape.groups)


def _spiking(reading: Reading, facts: NodeFacts, dataflow: Dataflow, bill: Bill) -> None:
    """Equations 5, 7, 8, 10, 14 to 17 without the terms that the neuron node carries."""
    theta = reading.count(facts.name, "activation_read")
    events, like = theta * _fan_out(facts), "activation_read"
    bill.add(facts, "activation_read", "activation_read", theta, like)  # (5)
    bill.add(facts, "weight_read", "weight_read", events, like)  # (7f) (8f)
    bill.add(facts, "state_read", "state_read", events, like)  # (10)
    bill.add(facts, "state_write", "state_write", events, like)  # (14) (15)
    bill.add(facts, "synapse", "synapse", theta * ceiling_fan_out(facts), like)  # (1.4) (2.4)
    _bias(reading, facts, dataflow, bill, reading.count(facts.name, "add"))
    _addressing(reading, facts, dataflow, bill, theta)


def _bias(reading: Reading, facts: NodeFacts, dataflow: Dataflow, bill: Bill, adds: int) -> None:
    """T·outputs accumulations; as many reads in the code, one per output as printed (7s)."""
    reads = adds if dataflow.variant == "code" else adds / max(1, facts.steps)
    bill.add(facts, "add", "add", adds, "add")
    bill.add(facts, "weight_read", "weight_read", reads, "add")


def _addressing(
    reading: Reading, facts: NodeFacts, dataflow: Dataflow, bill: Bill, theta: int
) -> None:
    """(16.2) 2·theta multiply-adds; (16.3) theta·C_out·Hk·Wk adds, without C_out in the code;
    (17.2) theta·N_out, with the rate for theta in the code.
    """
    code, like = dataflow.variant == "code", "activation_read"
    shape = facts.geometry
    if shape is not None:
        bill.add(facts, "addressing", "mac", 2 * theta, like)
        adds: float = theta * (math.prod(shape.kernel) if code else _fan_out(facts))
    else:
        elements = reading.input_elements(facts)
        rates = theta / elements * reading.samples if elements else 0.0  # summed over samples
        adds = (rates if code else theta) * facts.weight_shape[0]
    bill.add(facts, "addressing", "add", adds, like)


def _formal(reading: Reading, facts: NodeFacts, dataflow: Dataflow, bill: Bill) -> None:
    """Equations 1.1 to 4, 6, 11 and 12 of a formal layer, once per step."""
    macs = facts.dense_macs * reading.samples
    outputs, inputs = reading.output_elements(facts), reading.input_elements(facts)
    shape = facts.geometry
    bill.add(facts, "mac", "mac", macs)  # (1.1) (2.1)
    bill.add(facts, "activation_read", "activation_read", macs if shape else inputs)  # (3) (4)
    bill.add(facts, "weight_read", "weight_read", macs)  # (6f)
    bill.add(facts, "activation_write", "activation_write", outputs)  # (11) (12)
    _bias(reading, facts, dataflow, bill, reading.count(facts.name, "add"))  # (6s) (1.2) (2.2)
    if shape is None:
        bill.add(facts, "addressing", "add", macs)
        return
    kernel = math.prod(shape.kernel) * shape.channels_out * max(1, facts.steps) * reading.samples
    bill.add(facts, "addressing", "add", inputs + outputs + kernel)


def _neuron(reading: Reading, facts: NodeFacts, dataflow: Dataflow, bill: Bill) -> None:
    """Potentials of every neuron and step, leak (1.3) (2.3), reset and output per emitted event
    (13).
    """
    name, steps = facts.name, max(1, facts.steps)
    updates = reading.count(name, "neuron_active") + reading.count(name, "neuron_idle")
    writes = updates if dataflow.variant == "code" else updates / steps
    spikes = reading.count(name, "spike")
    bill.add(facts, "state_read", "state_read", updates)
    bill.add(facts, "state_write", "state_write", writes)
    if facts.neuron and Neuron.from_dict(facts.neuron).leaky:
        bill.add(facts, "neuron_update", "mac", updates)
    bill.add(facts, "neuron_update", "add", spikes, "spike")
    bill.add(facts, "activation_write", "activation_write", spikes, "spike")
    if facts.neuron.get("affine") == "bias":  # a layer's, sunk into its neurons
        _bias(reading, facts, dataflow, bill, updates)
