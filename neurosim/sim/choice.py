"""Which engine runs a node. The choice is recorded, can be replayed, and never changes a figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from neurosim.errors import SimulationError
from neurosim.ir.graph import Node
from neurosim.ir.run import Run
from neurosim.ops._bits import Bits
from neurosim.ops._value import Value
from neurosim.sim.cost import ASSUMED, DENSE, EVENT, PLANAR, Costs, costs, shipped, work

ENGINES = ("auto", DENSE, EVENT)
CHOSEN = (
    "convolution",
    "linear",
)  # by cost; auto fuses every neuron
TIMES, USUAL_SLICES = "×", 16


@dataclass
class Stretch:
    """Consecutive calls that went to one engine."""

    engine: str
    calls: int = 1


class Choice:
    """Callable on (node, operands); remembers what it chose for each node and chunk."""

    def __init__(
        self,
        name: str,
        device: str,
        replayed: dict[str, list[str]],
        reproducible: bool = False,
        packed: dict[str, Any] | None = None,
    ) -> None:
        self.name, self.replayed, self.reproducible = name, replayed, reproducible
        self.chosen: dict[str, list[Stretch]] = {}
        self.settled: dict[str, str] = {}  # of nodes that went to one engine for the graph's sake
        kept = {} if packed is None else packed
        self.lines: dict[Any, Any] = kept.setdefault("/lines", {})
        self.same: dict[str, str] = {} if replayed else kept.setdefault(f"/{name} {device}", {})
        self.kernels: Any = None
        self.costs: Costs | None = None
        if device == "cpu" and name != DENSE:
            from neurosim.sim.event import EventKernels

            self.kernels = EventKernels(packed)
            self.costs = shipped() if reproducible else costs(torch.get_num_threads())

    def __call__(self, node: Node, inputs: tuple[Value, ...]) -> str:
        if (word := self.same.get(node.name)) is not None:
            self.settled[node.name] = word
            return word
        if not self.replayed and not (self.name == "auto" and _by_cost(node, inputs)):
            self.same[node.name] = self.settled[node.name] = word = self._choose(node, inputs)
            return word
        past, known = self.chosen.get(node.name, []), self.replayed.get(node.name)
        if known:
            word = known[min(sum(s.calls for s in past), len(known) - 1)]
        elif past and inputs and inputs[0].steps == 1:  # step by step: choosing would cost more
            word = past[-1].engine
        else:
            word = self._choose(node, inputs)
        self.note(node.name, word)
        return word

    def note(self, name: str, word: str) -> None:
        """A call of a node went to this engine."""
        past = self.chosen.setdefault(name, [])
        if past and past[-1].engine == word:
            past[-1].calls += 1
        else:
            past.append(Stretch(word))

    def walks(self, readers: tuple[Node, ...]) -> bool:
        """Whether these nodes walk over events: as they did, or as they will at a usual density."""
        return self.kernels is not None and all(self._last(node) == EVENT for node in readers)

    def free(self, name: str) -> bool:
        """Whether no replayed choice keeps a node from the event engine."""
        return self.replayed.get(name, [EVENT])[0] == EVENT

    def _last(self, node: Node) -> str:
        if past := self.chosen.get(node.name):
            return past[-1].engine
        if word := self.settled.get(node.name):
            return word
        if known := self.replayed.get(node.name):
            return known[0]
        if self.name != "auto":
            return EVENT
        before = None if self.reproducible else self.lines.get((node.name, "before"))
        return before or self._usual(node)

    def _usual(self, node: Node) -> str:
        """The better engine at an assumed density, from the graph alone."""
        assert self.costs is not None
        known = self.lines.get(node.name)
        if known is None or known[0] is not self.costs:
            active = ASSUMED * math.prod(node.known.in_shapes[0]) * USUAL_SLICES
            best = self.costs.best(work(node, USUAL_SLICES, active, bits=True))
            known = self.lines[node.name] = self.costs, best
        return known[1]

    def _choose(self, node: Node, inputs: tuple[Value, ...]) -> str:
        if self.name != "auto" or self.costs is None:
            return EVENT if self.name == EVENT else DENSE
        if node.op == "neuron":
            return EVENT
        if not _by_cost(node, inputs):
            return DENSE
        (x,) = inputs
        if self.reproducible:
            return self._usual(node)
        alone = isinstance(x.held, Bits)
        key = (node.name, x.steps * x.samples, alone or x.bits is not None, _planar(x), alone)
        if self.lines.get(key, (None, ()))[0] is not self.costs:
            self.lines[key] = self.costs, self._line(node, *key[1:])
        active = float(x.active_total().sum())
        found = self.lines[key][1]
        best = min(found, key=lambda engine: found[engine][0] + active * found[engine][1])
        self.lines[node.name, "before"] = best  # what a run after this one expects
        return best

    def _line(
        self, node: Node, slices: int, bits: bool, planar: bool, alone: bool
    ) -> dict[str, Any]:
        """Of each engine, seconds without activity and seconds an active element: costs are
        linear."""
        assert self.costs is not None
        none, one = (work(node, slices, active, bits, planar, alone) for active in (0.0, 1.0))
        found: dict[str, tuple[float, float]] = {}
        for engine in (DENSE, PLANAR, EVENT):
            fixed = self.costs.predict(engine, none)
            found[engine] = (
                fixed,
                self.costs.predict(engine, one) - fixed if fixed < math.inf else 0.0,
            )
        return found

    def record(self) -> dict[str, str]:
        """For the manifest: one word a node, or its chunks in order ("event×2 dense×1")."""
        found = dict(self.settled)
        for name, past in self.chosen.items():
            several = " ".join(f"{s.engine}{TIMES}{s.calls}" for s in past)
            found[name] = past[0].engine if len(past) == 1 else several
        return found


def _by_cost(node: Node, inputs: tuple[Value, ...]) -> bool:
    """Whether both engines can run it, and costs decide."""
    return node.op in CHOSEN and inputs[0].type.discrete


def _planar(x: Value) -> bool:
    """Whether the first axis of a slice lies outermost: activity (C, *spatial) plane by plane."""
    if isinstance(x.held, Bits):
        return False
    sizes, strides = x.held.shape[2:], x.held.stride()[2:]
    axes = [a for a in range(len(sizes)) if sizes[a] > 1]
    return len(axes) > 1 and axes[0] == 0 and strides[0] == max(strides[a] for a in axes)


def _parsed(record: str) -> list[str]:
    """Inverse of ``Choice.record`` for one node."""
    parts = (part.partition(TIMES) for part in record.split())
    return [word for word, times, number in parts for _ in range(int(number) if times else 1)]


def chooser(
    engine: str | Run,
    device: str,
    reproducible: bool = False,
    packed: dict[str, Any] | None = None,
) -> Choice:
    """``packed``: what runs of the graph keep for the next (``Prepared``).

    Raises SimulationError: an engine that does not exist, or "event" on another device than the
    CPU."""
    if isinstance(engine, Run):
        past = engine.manifest.engine_by_node.items()
        return Choice("auto", device, {name: _parsed(r) for name, r in past}, packed=packed)
    if engine not in ENGINES:
        raise SimulationError(
            f"unknown engine {engine!r}; choose one of {', '.join(ENGINES)}, or a run to replay"
        )
    if engine == EVENT and device != "cpu":
        raise SimulationError(
            f"the event engine runs on the CPU, not on {device!r}; use engine='dense' there"
        )
    return Choice(engine, device, {}, reproducible, packed)
