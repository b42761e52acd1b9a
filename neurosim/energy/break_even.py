"""The firing rate at which a spiking network costs as much as its dense twin: exact, because
pricing is a polynomial of the rate.

At s times the measured rates (``scaled``) a report is E(s) = fixed + linear·s + square·s², where
the square is of pairs of two activities alone. Three prices, at s = 0, 1 and 2, give all of it, and
E(s) = E_twin has one positive root at most (``root`` proves it, or finds it where a dataflow caps
what moves in a step). Where there are no pairs and no memory, and the twin
runs once while the spiking network runs T steps, that is the inequality of Yan et al. (arXiv
2409.08290): the spiking network wins if T·rate <= k·(1 − gamma), k = E_MAC / E_AC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neurosim.energy.line import DISCRETE
from neurosim.energy.report import EnergyReport
from neurosim.ir.facts import NodeFacts
from neurosim.ir.run import Run

Polynomial = tuple[float, float, float]  # fixed, linear, square


def polynomial(at_0: float, at_1: float, at_2: float) -> Polynomial:
    """Coefficients of the parabola through s = 0, 1 and 2; what is rounding is 0."""
    square = (at_2 - 2 * at_1 + at_0) / 2
    if abs(square) < 1e-12 * abs(at_1):
        square = 0.0
    linear = at_1 - at_0 - square
    return at_0, linear if abs(linear) > 1e-12 * abs(at_1) else 0.0, square


def crossing(energy: Polynomial, twin: float) -> float:
    """s at which both cost the same; 0 where the fixed part alone costs more, ∞ where no rate does,
    NaN where both cost the same at any rate.

    The root of square·s² + linear·s = twin − fixed, in the form that does not cancel.
    """
    fixed, linear, square = energy
    spare = twin - fixed
    if linear == square == 0 and abs(spare) <= 1e-12 * abs(twin):
        return math.nan
    if spare <= 0:
        return 0.0
    if square < 0:  # words are capped: no polynomial, so the chord from 0 to 1 is the first guess
        return spare / (linear + square) if linear + square > 0 else math.inf
    whole = linear + math.sqrt(linear * linear + 4 * square * spare)
    return 2 * spare / whole if whole > 0 else math.inf


@dataclass(frozen=True)
class BreakEven:
    """``rate``: spikes per neuron and step, or active elements of a layer's operand, as measured.
    ``break_even``: where both cost the same; 0: never cheaper; ∞: at any rate; above 1 more than
    one event a step would be needed; NaN: the same at any rate. None: no rate to start from.
    """

    name: str
    op: str
    rate: float | None
    break_even: float | None
    snn_joules: float  # per video
    twin_joules: float
    fixed_joules: float  # of the spiking side, whatever the rate
    factor: float | None = None  # break-even over measured rates; known where a rate may not be

    @property
    def wins(self) -> bool:
        """Whether the spiking side is cheaper as measured."""
        return self.snn_joules < self.twin_joules

    @property
    def possible(self) -> bool:
        """Whether the break-even is a rate that a neuron of one spike a step can have."""
        return self.break_even is not None and 0 < self.break_even <= 1

    def said(self, most: float = 1.0) -> str:
        """When the spiking side is cheaper; ``most``: events an element can emit in a step."""
        if self.break_even is None:
            known = self.factor is not None and 0 < self.factor < math.inf
            return f"all rates < {self.factor:.4g} × measured" if known else "nothing fires"
        if math.isnan(self.break_even):
            return "costs the same"
        if self.break_even == 0:
            return "never"
        return "always" if self.break_even > most else f"rate < {self.break_even:.4g}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; ``snn_wins_if`` says in words what a number cannot."""
        even = self.break_even if self.break_even and math.isfinite(self.break_even) else None
        return {
            "name": self.name,
            "op": self.op,
            "rate": self.rate,
            "break_even_rate": 0.0 if self.break_even == 0 else even,
            "break_even_factor": (
                self.factor if self.factor is not None and math.isfinite(self.factor) else None
            ),
            "snn_wins_if": self.said(),
            "snn_mj": self.snn_joules * 1e3,
            "snn_fixed_mj": self.fixed_joules * 1e3,
            "twin_mj": self.twin_joules * 1e3,
            "snn_wins": self.wins,
        }


def joules_of(report: EnergyReport) -> dict[str, float]:
    """Node → joules per video, whoever spends them (host and chip)."""
    found: dict[str, list[float]] = {}
    for row in report.rows:
        found.setdefault(row.node, []).append(row.joules)
    return {node: math.fsum(parts) * report.per_video for node, parts in found.items()}


@dataclass(frozen=True)
class Guess:
    """What three prices say of one layer: the rate that is 1 × as measured, and s."""

    facts: NodeFacts
    rate: float | None
    scale: float | None
    fixed: float
    spent: float
    twin: float
    crossing: float

    def at(self, s: float) -> BreakEven:
        """The layer, with what was proved of it."""
        even = self.scale * s if self.scale else None
        return BreakEven(
            self.facts.name, self.facts.op, self.rate, even, self.spent, self.twin, self.fixed
        )


def layers(
    run: Run,
    prices: Sequence[Mapping[str, float]],
    twin: Mapping[str, float],
    awake: Run,
    woken: Sequence[Mapping[str, float]],
) -> dict[str, Guess]:
    """Of every layer that an event reaches: weights and products, without the neurons after them.

    ``prices``: node → joules per video at s = 0, 1 and 2. A silent layer has no rate to scale: it
    takes its break-even from ``woken``, the same prices of a run where it is ``awake``.
    """
    found: dict[str, Guess] = {}
    for name, facts in run.facts.items():
        if facts.role in ("weights", "product") and _fed_by_events(facts):
            rate, dense = operand_rate(run, facts), twin.get(name, 0.0)
            energy = polynomial(*(at.get(name, 0.0) for at in (prices if rate else woken)))
            scale = rate or operand_rate(awake, facts)
            spent, s = prices[1].get(name, 0.0), crossing(energy, dense)
            found[name] = Guess(facts, rate, scale, energy[0], spent, dense, s)
    return found


def network(run: Run, fixed: float, spent: float, twin: float, factor: float) -> BreakEven:
    """Of everything, at the measured mix of rates over layers (and over the clip's own events).

    ``factor``: where the energies meet, as a multiple of all rates.
    """
    rate = run.mean_firing_rate()
    even = rate * factor if rate else None
    return BreakEven("network", "network", rate, even, spent, twin, fixed, factor)


def _fed_by_events(facts: NodeFacts) -> bool:
    kinds = facts.in_kinds[:1] if facts.role == "weights" else facts.in_kinds
    return any(kind in DISCRETE for kind in kinds)


def operand_rate(run: Run, facts: NodeFacts) -> float | None:
    """Active elements of the operand over all of them; of a product, the mean over its discrete
    sides.
    """
    if facts.role == "weights":
        steps = run.steps if facts.kernel_in_time > 1 else max(1, facts.steps)
        elements = math.prod(facts.in_shapes[0]) * steps * run.samples
        return run.counts.get(facts.name, "activation_read") / elements if elements else None
    pairs = facts.dense_macs * run.samples
    sides = zip(facts.in_kinds, ("fanout_left", "fanout_right"), strict=False)
    active = [run.counts.get(facts.name, event) for kind, event in sides if kind in DISCRETE]
    return sum(active) / len(active) / pairs if pairs and active else None
