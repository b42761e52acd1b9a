"""Neurons that feed themselves through one matrix with a delay of one step, in one kernel.

The pattern is linear(neuron, one step ago) + operand → neuron, on a vector of neurons. A step adds
the rows of the neurons that fired, then runs the neurons' equation, without leaving the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from neurosim.ir.graph import Graph, Node
from neurosim.ir.order import Unit
from neurosim.ir.types import Kind
from neurosim.ops._value import Value
from neurosim.ops.neuron import equation

if TYPE_CHECKING:
    from neurosim.sim.executor import Executor


@dataclass(frozen=True)
class Layer:
    """The three nodes; ``outer``: the operand of ``add`` that comes from outside the cycle."""

    linear: Node
    add: Node
    neuron: Node
    outer: int

    def fits(self, executor: Executor) -> bool:
        """Whether the event engine runs it, and nobody looks inside."""
        inside = (self.linear.name, self.add.name)
        seen = any(executor.readers[n] or n in executor.kept for n in inside)
        return executor.kernels is not None and executor.choose.free(self.linear.name) and not seen

    def run(self, executor: Executor, given: Any, steps: int) -> dict[str, Value]:
        """Values of the chunk; those inside the cycle are not kept and have their shape alone."""
        from neurosim.ops._neuron_fused import scan_recurrent

        x = given[self.add.name, self.outer].data
        state = executor.state[self.neuron.name]
        call = executor.counting(self.linear, (_spikes(self.neuron),), 0)
        back = executor.kernels.feedback(call)
        params = executor.params[self.neuron.name]
        done = scan_recurrent(
            equation(self.neuron), {k: p.numpy() for k, p in params.items()}, x.numpy(),
            back, state.get("neuron_arrays"), state.get("fired"), executor.step[self.neuron.name],
        )  # fmt: skip
        state["neuron_arrays"], state["fired"] = done.state, done.fired
        for node in (self.linear, self.add, self.neuron):
            executor.choose.note(node.name, "event")
            executor.step[node.name] += steps
        shape = torch.empty(1).expand(x.shape)
        return {
            self.linear.name: Value(shape, self.linear.value),
            self.add.name: Value(shape, self.add.value),
            self.neuron.name: Value(torch.from_numpy(done.out), self.neuron.value),
        }


def _spikes(neuron: Node) -> Value:
    return Value(torch.zeros(1, 1, 1), neuron.value)


def recurrent_layer(graph: Graph, unit: Unit) -> Layer | None:
    """The pattern in a cycle, or None."""
    found = {n.op: n for n in unit.nodes}
    if len(unit.nodes) != 3 or set(found) != {"linear", "add", "neuron"}:
        return None
    linear, add, neuron = found["linear"], found["add"], found["neuron"]
    back, t = linear.inputs[0], neuron.value
    own = [i for i, e in enumerate(add.inputs) if e.node == linear.name and not e.delay]
    single = t.kind is Kind.SPIKE and t.uniform and t.scale == 1.0 and len(t.shape) == 1
    how = equation(neuron)
    plain = not neuron.attrs.get("memoryless") and how.output == "spike" and not how.fixed_point
    fed = back.node == neuron.name and back.delay == 1 and not back.initial
    sums = len(add.inputs) == 2 and len(own) == 1 and not add.attrs.get("subtract")
    whole = sums and neuron.inputs[0].node == add.name
    if not (single and plain and fed and whole) or neuron.inputs[0].delay:
        return None
    outer = graph[add.inputs[1 - own[0]].node].value
    alike = outer.steps is not None and outer.shape == t.shape == linear.value.shape
    return Layer(linear, add, neuron, 1 - own[0]) if alike else None
