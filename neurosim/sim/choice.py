"""Which of the two engines runs a node. The choice is recorded and never changes a figure."""

from __future__ import annotations

from typing import Any

from neurosim.errors import SimulationError
from neurosim.ir.graph import Node
from neurosim.ir.run import Run
from neurosim.ops._value import Value

ENGINES = ("auto", "dense", "event")


class Choice:
    """Callable on (node, operands); remembers what it chose first for each node."""

    def __init__(self, name: str, chosen: dict[str, str], device: str) -> None:
        self.name, self.chosen, self.device = name, chosen, device
        self.kernels: Any = None
        if device == "cpu" and name != "dense":
            from neurosim.sim.event import EventKernels

            self.kernels = EventKernels()

    def __call__(self, node: Node, inputs: tuple[Value, ...]) -> str:
        if node.name not in self.chosen:
            self.chosen[node.name] = self._choose(node, inputs)
        return self.chosen[node.name]

    def _choose(self, node: Node, inputs: tuple[Value, ...]) -> str:
        if self.name != "auto" or self.kernels is None:
            return "event" if self.name == "event" else "dense"
        if node.op == "neuron":
            return "event"
        return "event" if self.kernels.faster(node, inputs) else "dense"


def chooser(engine: str | Run, device: str) -> Choice:
    """Raises SimulationError: an engine that does not exist, or "event" on another device than the
    CPU."""
    if isinstance(engine, Run):
        return Choice("auto", dict(engine.manifest.engine_by_node), device)
    if engine not in ENGINES:
        raise SimulationError(
            f"unknown engine {engine!r}; choose one of {', '.join(ENGINES)}, or a run to replay"
        )
    if engine == "event" and device != "cpu":
        raise SimulationError(
            f"the event engine runs on the CPU, not on {device!r}; use engine='dense' there"
        )
    return Choice(engine, {}, device)
