"""The events that a run counts: names, units and meaning (counting rules, sections 3 to 7)."""

from __future__ import annotations

COUNTED: dict[str, str] = {
    "spike": "spikes emitted by a neuron node",
    "input_event": "active elements of the clip itself",
    "synapse": "active SPIKE elements × their existing target positions",
    "graded_synapse": "the same for GRADED elements",
    "graded_unit": "Σ |n| × fan-out over GRADED elements",
    "synapse_zero": "the part of synapse and graded_synapse whose stored weight is 0",
    "mac": "REAL operand × weight (or × REAL) at an existing position",
    "masked_mac": "the same for the non-zero elements of a spike-masked REAL",
    "coincidence": "pairs of active elements that meet in a product of two activities",
    "coincidence_unit": "Σ |a||b| over those pairs",
    "fanout_left": "active left elements × columns they meet",
    "fanout_right": "active right elements × rows they meet",
    "neuron_active": "neuron-steps in which an event arrived, or with a REAL input path",
    "neuron_idle": "the other neuron-steps",
    "add": "additions outside weights: residuals, biases, norms, pools",
    "multiply": "multiplications outside weights",
    "compare": "comparisons (max-pool, softmax, thresholds outside neurons)",
    "special": "exp, division, square root, sigmoid, …",
    "weight_read": "weight and bias words read",
    "state_read": "accumulator and neuron-state words read",
    "state_write": "the same, written",
    "activation_read": "activation words read",
    "activation_write": "activation words written",
}
MAPPED: dict[str, str] = {
    "message": "spike messages, one for every core that a spike is sent to (needs a placement)",
    "hop_ew": "east–west mesh hops",
    "hop_ns": "north–south mesh hops",
    "spike_within_tile": "messages whose two cores share a tile",
    "chip_crossing": "messages over a link between chips",
    "static": "seconds × static power",
    "host_io": "words that cross between chip and host",
}
ARITHMETIC = ("add", "multiply", "compare", "special")
MEMORY = ("weight_read", "state_read", "state_write", "activation_read", "activation_write")
SYNAPTIC = ("synapse", "graded_synapse")
