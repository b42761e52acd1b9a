"""One line of a bill before it has a price: how often a billed event happened, where and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from neurosim.hardware.convention import Convention
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import Run

DISCRETE = ("spike", "graded")


@dataclass(frozen=True)
class Line:
    """``event`` happened; it is billed ``quantity`` times as ``billed``. ``like``: the counted
    event whose samples and steps it follows ("" spreads it evenly).
    """

    node: str
    op: str
    event: str
    billed: str
    quantity: float
    like: str = ""


@dataclass(frozen=True)
class Excluded:
    """Something that happened and that no joule stands for."""

    event: str
    quantity: float | None  # None: not known (not mapped)
    why: str


@dataclass
class Bill:
    """What ``bill`` collects: lines, what the convention leaves out, and notes for the reader."""

    lines: list[Line] = field(default_factory=list[Line])
    left_out: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    notes: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def add(
        self, facts: NodeFacts, event: str, billed: str, quantity: float, like: str = ""
    ) -> None:
        """A line, unless nothing happened."""
        if quantity:
            self.lines.append(Line(facts.name, facts.op, event, billed, quantity, like))

    def leave_out(self, event: str, quantity: float, why: str) -> None:
        """Record what the convention does not bill."""
        if quantity:
            self.left_out[event, why] = self.left_out.get((event, why), 0.0) + quantity

    def note(self, text: str, node: str) -> None:
        """Record a remark and the nodes that it is about."""
        self.notes.setdefault(text, []).append(node)


@dataclass(frozen=True)
class Reading:
    """A run's totals, read once: (node, event) → count over all samples and steps."""

    run: Run
    convention: Convention
    totals: Mapping[tuple[str, str], int]

    def count(self, node: str, event: str) -> int:
        """A node's total; 0 where nothing was counted."""
        return self.totals.get((node, event), 0)

    @property
    def samples(self) -> int:
        """Clips in the run."""
        return self.run.samples

    def input_steps(self, facts: NodeFacts) -> int:
        """Steps of a node's operand: all of the clip's where it has a kernel in time."""
        return self.run.steps if facts.kernel_in_time > 1 else max(1, facts.steps)

    def input_elements(self, facts: NodeFacts) -> int:
        """Elements of the first operand over all samples and steps; 0 when its shape is unknown."""
        if not facts.in_shapes:
            return 0
        return math.prod(facts.in_shapes[0]) * self.input_steps(facts) * self.samples

    def output_elements(self, facts: NodeFacts) -> int:
        """Elements of the result over all samples and steps."""
        return (
            math.prod(facts.out_shape) * max(1, facts.steps) * self.samples
            if facts.out_shape
            else 0
        )

    def rate(self, node: str) -> float | None:
        """Run-total firing rate of a neuron or input node; None when it is not known."""
        facts = self.run.facts.get(node)
        if facts is not None and facts.role == "input":
            elements = self.output_elements(facts)
            return (
                self.count(node, "input_event") / elements
                if elements and facts.out_kind != "real"
                else None
            )
        neuron_steps = self.count(node, "neuron_active") + self.count(node, "neuron_idle")
        return self.count(node, "spike") / neuron_steps if neuron_steps else None

    def inherited_rate(self, facts: NodeFacts) -> float | None:
        """Fan-out-weighted mean rate of the spiking sources of a REAL weight node; None: nothing to
        inherit.
        """
        pairs = [(self.rate(node), weight) for node, weight in facts.rate_sources]
        total = sum(weight for _, weight in pairs)
        if not total or any(rate is None for rate, _ in pairs):
            return None
        return sum((rate or 0.0) * weight for rate, weight in pairs) / total
