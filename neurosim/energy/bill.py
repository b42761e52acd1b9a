"""Counts → a bill: what a convention makes of every counted event, node by node. No prices here."""

from __future__ import annotations

import weakref
from collections.abc import Mapping

from neurosim.energy import neurons, products, weights
from neurosim.energy.addressing import bill_addressing
from neurosim.energy.lemaire import bill_lemaire
from neurosim.energy.line import Bill, Reading
from neurosim.energy.reuse import at_most
from neurosim.hardware.convention import Convention
from neurosim.hardware.schema import Dataflow
from neurosim.ir.counts import Counts, Key
from neurosim.ir.events import ARITHMETIC, MEMORY
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import Run

AFFINE = ("affine", "batch_norm", "norm_affine")


def read(run: Run, convention: Convention) -> Reading:
    """The run's totals with the convention that will bill them."""
    return Reading(run, convention, _totals(run.counts))


_known: dict[int, tuple[weakref.ref[Counts], dict[Key, int]]] = {}


def _totals(counts: Counts) -> Mapping[Key, int]:
    """Totals of a table, summed once for as long as it lives."""
    found = _known.get(id(counts))
    if found is not None and found[0]() is counts:
        return found[1]
    totals = {key: int(array.sum()) for key, array in counts.table.items()}
    where = id(counts)
    _known[where] = (weakref.ref(counts, lambda _: _known.pop(where, None)), totals)
    return totals


def bill(run: Run, convention: Convention, dataflow: Dataflow | None = None) -> Bill:
    """Every counted event turned into billed lines, or recorded as left out by the convention."""
    reading, out = read(run, convention), Bill()
    for facts in _nodes(run):
        if dataflow is not None and bill_lemaire(reading, facts, dataflow, out):
            continue
        _node(reading, facts, out)
        _memory(reading, facts, out, dataflow is not None and dataflow.kind == "once")
        if dataflow is not None and dataflow.addressing is not None:
            bill_addressing(reading, facts, out)
    return out


def _nodes(run: Run) -> list[NodeFacts]:
    """Facts of every node that has facts or counts."""
    missing = [n for n in run.counts.nodes() if n not in run.facts]
    bare = [NodeFacts(n, "unknown", "opaque", run.steps, (), (), (), "real") for n in missing]
    return [*run.facts.values(), *bare]


def _node(reading: Reading, facts: NodeFacts, out: Bill) -> None:
    role = facts.role
    if role == "neuron" or role == "opaque" and _any(reading, facts, neurons.EVENTS):
        neurons.bill_neuron(reading, facts, out)
    if role == "input":
        neurons.bill_input(reading, facts, out)
    if role == "product" or role == "opaque" and _any(reading, facts, products.EVENTS):
        products.bill_product(reading, facts, out)
    elif role == "weights" or _any(reading, facts, weights.EVENTS):
        weights.bill_weights(reading, facts, out)
    biases = role == "weights"  # its additions are billed by the convention's rule for biases
    _arithmetic(reading, facts, out, ARITHMETIC[1:] if biases else ARITHMETIC)


def _any(reading: Reading, facts: NodeFacts, events: tuple[str, ...]) -> bool:
    return any(reading.count(facts.name, e) for e in events)


def _arithmetic(reading: Reading, facts: NodeFacts, out: Bill, events: tuple[str, ...]) -> None:
    """Arithmetic outside weights; an opaque operation's is always billed."""
    affine = facts.op in AFFINE
    if affine and reading.convention.per_step_affine == "free":
        why = "unfolded batch norms, by the convention (per_step_affine: free)"
    elif not affine and facts.role != "opaque" and reading.convention.other_arithmetic == "none":
        why = "arithmetic outside weights, by the convention (other_arithmetic: none)"
    else:
        why = ""
    for event in events:
        count = reading.count(facts.name, event)
        if why:
            out.leave_out(event, count, why)
        else:
            out.add(facts, event, event, count, event)


def _memory(reading: Reading, facts: NodeFacts, out: Bill, once: bool) -> None:
    """Words as counted, or each at most ``once`` per step and sample."""
    for event, (words, like) in _words(reading, facts).items():
        most = at_most(reading, facts, event) if once else None
        out.add(facts, event, event, words if most is None else min(words, most), like)


def _words(reading: Reading, facts: NodeFacts) -> dict[str, tuple[int, str]]:
    """Event → (words, counted event they follow). A dense machine reads a weight and an activation
    per MAC and keeps no events.
    """
    macs = facts.dense_macs * reading.samples
    if reading.convention.execution != "dense" or not macs:
        return {event: (reading.count(facts.name, event), event) for event in MEMORY}
    return {
        "weight_read": (macs if facts.role == "weights" else 0, ""),
        "activation_read": (macs, ""),
        "activation_write": (reading.output_elements(facts), ""),
    }
