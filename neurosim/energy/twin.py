"""The dense twin of a run: the same graph as a network of activations, in counts.

Every product of an operand with a weight, or of two operands, is one MAC on real values, at every
position that exists, zeros included; a neuron becomes a rectifier, one comparison an element. It
runs once per FRAME: at the steps of the clip where the model sees a new frame (all of them for a
video of one frame a step; one for a picture shown T times). A value of the whole clip is computed
once. The twin is a Run like any other: the same profile and convention price it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from neurosim.energy.neurons import bias_layer
from neurosim.errors import ClipError
from neurosim.ir.counts import Counts, Key
from neurosim.ir.events import ARITHMETIC
from neurosim.ir.facts import NodeFacts
from neurosim.ir.neuron import Neuron
from neurosim.ir.run import Run

OVER_TIME = "time_reduce"  # the operator that takes in all steps, one after the other
_OTHER = (*ARITHMETIC, "weight_read", "activation_read", "activation_write")


def dense_twin(run: Run, frames: int | None = None, zeros: float = 0.0) -> Run:
    """``frames``: new frames among the run's steps (None: every step is one). ``zeros``: share of
    the twin's activations that are 0 and skipped, Yan's gamma (a dense machine skips none).

    Raises ClipError: frames or zeros that cannot be.
    """
    frames = run.steps if frames is None else frames
    if not 1 <= frames <= run.steps:
        raise ClipError(f"{frames} frames in {run.steps} steps; give 1 to {run.steps}")
    if not 0.0 <= zeros < 1.0:
        raise ClipError(f"a share of {zeros} zeros; give at least 0 and less than 1")
    facts: dict[str, NodeFacts] = {}
    counts: Counter[Key] = Counter()
    for node in run.facts.values():
        kept, clip = Fraction(1) - Fraction(zeros), Fraction(frames, run.steps)
        here = _Node(run, node, _passes(run, node, clip), kept, clip)
        for made, counted in here.twins():
            facts.setdefault(made.name, made)
            counts.update({(made.name, event): n for event, n in counted.items() if n})
    manifest = run.manifest.with_(notes=(), engine="dense twin")
    return Run(of_totals(counts, run.samples, frames), facts, manifest)


def of_totals(counts: Mapping[Key, int], samples: int, steps: int) -> Counts:
    """Totals as one bin of all steps and samples."""
    table = {key: np.full((1, 1), number, np.int64) for key, number in counts.items()}
    return Counts(table, samples, steps, steps_per_bin=max(1, steps), samples_summed=True)


def _passes(run: Run, node: NodeFacts, clip: Fraction) -> Fraction:
    """The twin's passes over the run's steps; 1 for a value of the whole clip."""
    return Fraction(1) if node.steps <= 1 < run.steps else clip


@dataclass(frozen=True)
class _Node:
    """One node of the run, and what becomes of it."""

    run: Run
    node: NodeFacts
    passes: Fraction
    kept: Fraction  # share of activations that are multiplied
    clip: Fraction  # frames over steps

    def twins(self) -> list[tuple[NodeFacts, dict[str, int]]]:
        """Facts and counts in the twin; a norm inside a neuron is a node of its own."""
        role = self.node.role
        if role == "neuron":
            return self._rectifier()
        if role == "weights" or role == "product":
            return [(self._real(), self._weights() if role == "weights" else self._product())]
        if role == "input":
            return [(self._real(), {})]
        return [(self._real(), {event: self._elsewhere(event) for event in _OTHER})]

    def _real(self) -> NodeFacts:
        """The facts of the same node with real operands, over the twin's passes."""
        n, reals = self.node, ("real",) * len(self.node.in_kinds)
        return replace(
            n, steps=max(1, round(n.steps * self.passes)), in_kinds=reals, out_kind="real",
            dense_macs=round(n.dense_macs * self.passes), payload=(0, 0), rate_sources=(),
            existing_macs=round(n.existing_macs * self.passes),
        )  # fmt: skip

    def _elsewhere(self, event: str) -> int:
        """Arithmetic and words; a sum or maximum over time takes in one value a pass."""
        count = self.run.counts.get(self.node.name, event)
        if self.node.op == OVER_TIME and event in ("add", "activation_read"):
            return round(count * self.clip)
        if self.node.op == OVER_TIME and event == "compare" and self.run.steps > 1:
            return round(count * (self.clip * self.run.steps - 1) / (self.run.steps - 1))
        return self._counted(event)

    def _counted(self, event: str) -> int:
        return round(self.run.counts.get(self.node.name, event) * self.passes)

    def _elements(self, shape: tuple[int, ...]) -> int:
        steps = round(max(1, self.node.steps) * self.passes)
        return math.prod(shape) * max(1, steps) * self.run.samples

    def _macs(self) -> int:
        macs = self.node.existing_macs or self.node.dense_macs
        skips = 1 if self.node.stem else self.kept
        return round(macs * self.run.samples * self.passes * skips)

    def _weights(self) -> dict[str, int]:
        """Memory words as real values into weights have them (counting rules, section 7)."""
        macs, biases = self._macs(), self._counted("add")
        return {
            "mac": macs, "add": biases, "weight_read": macs + biases, "activation_read": macs,
            "activation_write": self._elements(self.node.out_shape),
        }  # fmt: skip

    def _product(self) -> dict[str, int]:
        macs = self._macs()
        return {
            "mac": macs, "state_read": macs, "state_write": macs,
            "activation_read": sum(map(self._elements, self.node.in_shapes)),
            "activation_write": self._elements(self.node.out_shape),
        }  # fmt: skip

    def _rectifier(self) -> list[tuple[NodeFacts, dict[str, int]]]:
        """max(0, x): one comparison an element; a neuron that never fires is a sum over time."""
        name, equation = self.node.name, self.node.neuron
        elements = self._counted("neuron_active") + self._counted("neuron_idle")
        fires = not equation or Neuron.from_dict(equation).fires != "never"
        words = {"activation_read": elements, "activation_write": elements}
        made = replace(self._real(), op="rectifier", role="arithmetic", neuron={}, state_words=0)
        found = [(made, {"compare" if fires else "add": elements, **words})]
        part = equation.get("affine")
        if part == "bias":  # back to the layer that it was taken from
            layer = bias_layer(self.run, self.node) or made
            found.append((layer, {"add": elements, "weight_read": elements}))
        elif part:
            norm = replace(made, name=f"{name}.norm", op="affine")
            found.append((norm, {"multiply": elements, "add": elements * (part != "scale")}))
        return found
