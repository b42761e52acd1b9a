"""Neurons that feed themselves through one matrix with a delay of one step, in one kernel.

The pattern is linear(neuron) + operand → neuron, on a vector of neurons, one step late somewhere
on the way; reshapes on the way change nothing. A step adds the rows of the neurons that fired, then
runs the neurons' equation, without leaving the kernel.
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
    """The three nodes; ``outer``: the operand of ``add`` that comes from outside the cycle;
    ``behind``: reshapes behind the matrix.
    """

    linear: Node
    add: Node
    neuron: Node
    outer: int
    behind: tuple[Node, ...] = ()

    def fits(self, executor: Executor) -> bool:
        """Whether the event engine runs it, and nobody looks inside."""
        inside = [n.name for n in (self.linear, self.add, *self.behind)]
        seen = any(executor.readers[n] or n in executor.kept for n in inside)
        return executor.kernels is not None and executor.choose.free(self.linear.name) and not seen

    def run(self, executor: Executor, given: Any) -> dict[str, Value]:
        """Values of the chunk; real ones inside the cycle are not kept and have their shape alone,
        reshaped spikes have none.
        """
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
        shape = torch.empty(1).expand(x.shape)
        inside = {n.name: Value(shape, n.value) for n in (self.linear, self.add, *self.behind)}
        return inside | {self.neuron.name: Value(torch.from_numpy(done.out), self.neuron.value)}


def _spikes(neuron: Node) -> Value:
    return Value(torch.zeros(1, 1, 1), neuron.value)


def recurrent_layer(graph: Graph, unit: Unit) -> Layer | None:
    """The pattern in a cycle, or None."""
    plain = [n for n in unit.nodes if n.op != "reshape"]
    found = {n.op: n for n in plain}
    if len(plain) != 3 or set(found) != {"linear", "add", "neuron"}:
        return None
    linear, add, neuron = found["linear"], found["add"], found["neuron"]
    inside = {n.name for n in unit.nodes}
    own = [i for i, e in enumerate(add.inputs) if e.node in inside]
    sums = len(add.inputs) == 2 and len(own) == 1 and not add.attrs.get("subtract")
    if not sums or neuron.inputs[0].node != add.name or not _fused(neuron):
        return None
    before, behind = _way(graph, linear, 0, neuron), _way(graph, add, own[0], linear)
    if before is None or behind is None or not _late(linear, neuron, add, own[0], before, behind):
        return None
    outer, t = graph[add.inputs[1 - own[0]].node].value, neuron.value
    alike = outer.steps is not None and outer.shape == t.shape == linear.value.shape
    return Layer(linear, add, neuron, 1 - own[0], behind) if alike else None


def _fused(neuron: Node) -> bool:
    """Whether the kernel has this kind of neuron."""
    t, how = neuron.value, equation(neuron)
    single = t.kind is Kind.SPIKE and t.uniform and t.scale == 1.0 and len(t.shape) == 1
    plain = not neuron.attrs.get("memoryless") and how.output == "spike" and not how.fixed_point
    return single and plain


def _way(graph: Graph, node: Node, i: int, source: Node) -> tuple[Node, ...] | None:
    """The reshapes from a source to operand ``i`` of a node, all vectors; None: another way."""
    name, way = node.inputs[i].node, []
    while name != source.name:
        now = graph[name]
        if now.op != "reshape" or len(now.value.shape) != 1:
            return None
        way.insert(0, now)
        name = now.inputs[0].node
    return tuple(way)


def _late(
    linear: Node, neuron: Node, add: Node, own: int, before: tuple[Node, ...],
    behind: tuple[Node, ...],
) -> bool:  # fmt: skip
    """Whether exactly one edge is late, by one step, from silence; a bias is early then."""
    early = [n.inputs[0] for n in (*before, linear)]
    after = [add.inputs[own], neuron.inputs[0], *(n.inputs[0] for n in behind)]
    late = [e for e in (*early, *after) if e.delay]
    if len(late) != 1 or late[0].delay != 1 or late[0].initial or neuron.inputs[0].delay:
        return False
    return late[0] in early or "bias" not in linear.params
