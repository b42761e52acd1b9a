"""What a price list must cover: the counted events that are billed, and those that a convention
turns into them.

A convention turns every counted event into quantities of *billed* events; a profile puts each
billed event in exactly one of prices, host, ignores and impossible. The other counted events are
facts that no profile prices.
"""

from __future__ import annotations

from neurosim.ir.events import COUNTED, MAPPED

BILLED: dict[str, str] = {
    "synapse": "one event through one weight: read and accumulate (the literature's AC)",
    "graded_synapse": "one integer payload through one weight, sent as one event",
    "coincidence": "two active elements that meet in a product of activities: one accumulation",
    "mac": "one multiply-accumulate",
    "add": "one addition outside weights (residuals, biases, norms, pools)",
    "multiply": "one multiplication outside weights",
    "compare": "one comparison",
    "special": "one exponential, division, square root, …",
    "neuron_active": "one update of a neuron that received input",
    "neuron_idle": "one step of a neuron that received none",
    "spike": "one emitted spike",
    "weight_read": "one weight or bias word read",
    "state_read": "one accumulator or state word read",
    "state_write": "one accumulator or state word written",
    "activation_read": "one activation word read",
    "activation_write": "one activation word written",
    **MAPPED,
}
OBSERVED: dict[str, str] = {
    "input_event": "billed as a neuron's spike when the convention says input_neurons",
    "graded_unit": "billed as synapse when the convention says graded: unit",
    "synapse_zero": "taken off synapse when the convention says zero_weights: skip",
    "masked_mac": "billed as mac or synapse, as the convention says",
    "coincidence_unit": "billed as coincidence when the convention says graded: unit",
    "fanout_left": "billed as coincidence when the convention says so",
    "fanout_right": "billed as coincidence when the convention says so",
}
UPDATES = ("neuron_active", "neuron_idle")
HOPS = ("message", "hop_ew", "hop_ns", "spike_within_tile", "chip_crossing")
PLACED = tuple(MAPPED)  # nothing of these is known without a placement

if unsorted := COUNTED.keys() - BILLED.keys() - OBSERVED.keys():
    raise RuntimeError(
        f"events neither billed nor observed: {sorted(unsorted)}; sort them in hardware/billed.py"
    )
