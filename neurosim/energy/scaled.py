"""The same run with every firing rate multiplied: what an energy is a function of.

An operand's activity is multiplied by s: events into weights grow as s, pairs of two activities as
s². What happens at every step, whether or not anything fires, stays as it was counted: real
operands, neuron updates (active ones too), residuals and norms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from neurosim.energy.line import DISCRETE
from neurosim.energy.placed import Placed
from neurosim.energy.twin import of_totals
from neurosim.ir.counts import Key
from neurosim.ir.events import SYNAPTIC
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import Run, Trace

_LINEAR = ("spike", "input_event", *SYNAPTIC, "graded_unit", "synapse_zero", "masked_mac",
           "fanout_left", "fanout_right")  # fmt: skip
_SQUARE = ("coincidence", "coincidence_unit")


Factor = Fraction | float | int


def scaled(run: Run, factor: Factor | Mapping[str, float], repeats: int = 1) -> Run:
    """``run`` at ``factor`` times its rates (of every node, or node → its own, else 1), ``repeats``
    times over (so that rounding to whole events can be made as small as one likes). Counts are
    totals: no steps, no samples apart.
    """
    made: dict[Key, int] = {}
    for (node, event), array in run.counts.table.items():
        s = Fraction(factor.get(node, 1) if isinstance(factor, Mapping) else factor)
        count = int(array.sum())
        fixed, degree = _part(run, run.facts.get(node), event, count)
        made[node, event] = round((fixed + (count - fixed) * s**degree) * repeats)
    counts = of_totals(made, run.samples * repeats, run.steps)
    return replace(run, counts=counts, trace=Trace(), outputs=None)


def awake(run: Run) -> Run:
    """Silent layers with every element of their operand active in every step, the others as they
    were: a rate of 1 to scale, where 0 would say nothing. ``run`` itself where none is silent.
    """
    silent = [
        facts
        for name, facts in run.facts.items()
        if facts.role == "weights" and facts.in_shapes and facts.in_kinds[:1] != ("real",)
        and not run.counts.get(name, "activation_read")
    ]  # fmt: skip
    if not silent:
        return run
    made = {key: int(array.sum()) for key, array in run.counts.table.items()}
    for facts in silent:
        for event, count in _all_active(run, facts).items():
            made[facts.name, event] = made.get((facts.name, event), 0) + count
    return replace(run, counts=of_totals(made, run.samples, run.steps), trace=Trace(), outputs=None)


def _all_active(run: Run, facts: NodeFacts) -> dict[str, int]:
    """An event at every existing position (payloads of 1)."""
    events = (facts.existing_macs or facts.dense_macs) * run.samples
    graded = facts.in_kinds[0] == "graded"
    steps = run.steps if facts.kernel_in_time > 1 else max(1, facts.steps)
    return {
        "graded_synapse" if graded else "synapse": events, "graded_unit": events * graded,
        "activation_read": math.prod(facts.in_shapes[0]) * steps * run.samples,
        "weight_read": events, "state_read": events, "state_write": events,
    }  # fmt: skip


def _part(run: Run, facts: NodeFacts | None, event: str, count: int) -> tuple[int, int]:
    """(events that no rate changes, the power of s of the others)."""
    if event in _LINEAR:
        return 0, 1
    if event in _SQUARE:
        return 0, 2
    if facts is None:
        return count, 0
    return _words(run, facts, event, count)


def _words(run: Run, facts: NodeFacts, event: str, count: int) -> tuple[int, int]:
    """Memory words: those of events follow them, biases and real operands are read at every step
    (counting rules, section 7).
    """
    name, discrete = facts.name, [kind in DISCRETE for kind in facts.in_kinds]
    if facts.role == "neuron" and event == "activation_write":
        return 0, 1
    if facts.role == "weights" and discrete[:1] == [True]:
        events = sum(run.counts.get(name, e) for e in SYNAPTIC)
        if event == "weight_read":
            return count - events, 1
        if event in ("state_read", "state_write", "activation_read"):
            return 0, 1
    if facts.role == "product" and any(discrete):
        if event in ("state_read", "state_write"):
            return 0, 2 if all(discrete) else 1
        if event == "activation_read":
            return _real_words(run, facts), 1
    return count, 0


def _real_words(run: Run, facts: NodeFacts) -> int:
    """Elements of a product's real operands, all of which are read."""
    sides = zip(facts.in_shapes, facts.in_kinds, strict=False)
    real = sum(math.prod(shape) for shape, kind in sides if kind not in DISCRETE)
    return real * max(1, facts.steps) * run.samples


def repeats_for(run: Run, largest: float) -> int:
    """So many that rounding is below 1e-9 where it can be, and no count leaves 63 bits."""
    most = max((int(array.sum()) for array in run.counts.table.values()), default=1)
    return max(1, min(10**9, 2**62 // max(1, round(most * max(1.0, largest) ** 2))))


@dataclass(frozen=True)
class ScaledPlacement:
    """A placement at ``factor`` times the rates (times the repeats of the run): messages follow
    them; a step takes as long as it did, so that static energy stays.
    """

    placed: Placed
    measured: Run
    factor: Factor

    @property
    def chips(self) -> int:
        """Powered chips."""
        return self.placed.chips

    @property
    def encodings(self) -> Mapping[str, str]:
        """As placed."""
        return self.placed.encodings

    def notes(self, run: Run) -> tuple[str, ...]:
        """Said once, by the measured run's report."""
        return ()

    def seconds(self, run: Run) -> float:
        """As measured."""
        return self.placed.seconds(self.measured)

    def traffic(self, run: Run) -> Mapping[tuple[str, str], int]:
        """Measured messages and hops × factor."""
        found = self.placed.traffic(self.measured)
        return {key: round(count * Fraction(self.factor)) for key, count in found.items()}
