"""The dataflow ``once``: how many words a layer moves when none moves twice in a step."""

from __future__ import annotations

import math

from neurosim.energy.line import Reading
from neurosim.ir.facts import NodeFacts


def at_most(reading: Reading, facts: NodeFacts, event: str) -> int | None:
    """Distinct words of one kind × steps × samples; None where every counted word is one of its own
    (states of neurons, whatever is written).

    weight_read: the parameters. state_read, state_write: the accumulators, an output map (of a
    weight or product node). activation_read: all elements of all operands.
    """
    slices = max(1, facts.steps) * reading.samples
    if event == "weight_read":
        return max(facts.parameters, math.prod(facts.weight_shape)) * slices or None
    if event in ("state_read", "state_write") and facts.role in ("weights", "product"):
        return reading.output_elements(facts) or None
    if event == "activation_read" and facts.in_shapes:
        elements = sum(math.prod(shape) for shape in facts.in_shapes)
        return elements * reading.input_steps(facts) * reading.samples
    return None
