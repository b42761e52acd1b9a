"""Runs of which counts alone are known: a price that needs a node's facts is refused, never
guessed."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.energy.line import Reading
from neurosim.energy.neurons import EVENTS as NEURON
from neurosim.energy.products import EVENTS as PRODUCT
from neurosim.errors import UnpricedEvents
from neurosim.hardware.schema import Profile
from neurosim.ir.events import ARITHMETIC
from neurosim.ir.run import Run

_SYNAPTIC = ("synapse", "graded_synapse")
_REALS = ("mac", "masked_mac")


def bare_nodes(run: Run) -> tuple[str, ...]:
    """Nodes that counted something and whose facts nobody gave."""
    known = run.facts
    return tuple(n for n in run.counts.nodes() if n not in known or known[n].op == "unknown")


def check_bare(reading: Reading, chip: Profile) -> None:
    """Raise UnpricedEvents where the profile or the convention needs the facts of a bare node."""
    needed: dict[str, list[str]] = {}
    for node in bare_nodes(reading.run):
        for why in _needs(reading, chip, node):
            needed.setdefault(why, []).append(node)
    if not needed:
        return
    found = "; ".join(f"{why} at {_some(nodes)}" for why, nodes in needed.items())
    raise UnpricedEvents(
        f"profile {chip.name!r} needs facts of the nodes for {found}; counts alone were given: "
        "give graph= or facts= to Run.from_counts"
    )


def _some(nodes: list[str]) -> str:
    shown = ", ".join(repr(n) for n in nodes[:3])
    return shown + (f" and {len(nodes) - 3} more nodes" if len(nodes) > 3 else "")


def _needs(reading: Reading, chip: Profile, node: str) -> Iterator[str]:
    """What asks for the facts of one node."""
    yield from _of_the_machine(reading, chip, node)
    yield from _of_weights(reading, node)
    yield from _of_arithmetic(reading, node)
    yield from _of_neurons(reading, node)
    if _product(reading, node):
        yield f"spike_products={reading.convention.spike_products}"


def _of_the_machine(reading: Reading, chip: Profile, node: str) -> Iterator[str]:
    rules = reading.convention
    if rules.execution == "dense":
        yield "execution=dense"
    if rules.input_neurons:
        yield "input_neurons=true"
    if chip.dataflow.kind == "lemaire":
        yield "dataflow lemaire"
    for event, price in chip.prices.items():
        if reading.count(node, event) and (price.memory or price.by_encoding or price.by_bits):
            yield f"the price of {event}"


def _of_weights(reading: Reading, node: str) -> Iterator[str]:
    rules, reals = reading.convention, _any(reading, node, _REALS)
    if rules.positions != "existing" and (reals or _any(reading, node, _SYNAPTIC)):
        yield f"positions={rules.positions}"
    if rules.real_into_weights != "mac" and reals:
        yield f"real_into_weights={rules.real_into_weights}"
    if rules.stem != "per_step" and reals:
        yield f"stem={rules.stem}"


def _of_arithmetic(reading: Reading, node: str) -> Iterator[str]:
    """Additions may be biases, and any arithmetic a norm's: all must be billed alike."""
    rules = reading.convention
    if not _any(reading, node, ARITHMETIC):
        return
    if rules.other_arithmetic == "none":
        yield "other_arithmetic=none"
    if rules.per_step_affine == "free":
        yield "per_step_affine=free"
    if rules.bias != "ac" and reading.count(node, "add"):
        yield f"bias={rules.bias}"


def _of_neurons(reading: Reading, node: str) -> Iterator[str]:
    """The equation. Norms and biases that were sunk into neurons are not in counts."""
    rules = reading.convention
    if rules.neuron_updates == "arithmetic" and _any(reading, node, NEURON):
        yield "neuron_updates=arithmetic"
    idle = reading.count(node, "neuron_idle") and (node, "neuron_updated") not in reading.totals
    if rules.neuron_updates == "chip" and rules.idle_rule == "state_unchanged" and idle:
        yield "idle_rule=state_unchanged"


def _product(reading: Reading, node: str) -> bool:
    """Whether what a product is billed as depends on the kinds of its operands."""
    rules = reading.convention
    if not _any(reading, node, PRODUCT):
        return False
    if rules.spike_products != "coincidence" or not reading.count(node, "coincidence"):
        return True
    return rules.graded != "event" and reading.count(node, "coincidence_unit") > 0


def _any(reading: Reading, node: str, events: tuple[str, ...]) -> bool:
    return any(reading.count(node, e) for e in events)
