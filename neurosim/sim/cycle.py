"""Nodes that feed back on themselves: run step by step, counted over all steps of a chunk at once.

Counting per step would cost more than running. Where arrival masks go round through REAL values
alone, the mask of a step needs that of the step before: such cycles are counted step by step.
A layer of neurons that feeds itself through one matrix is run as one kernel (``sim.recurrent``).
Where all that goes round passes through neurons whose spikes are known from an earlier run, the
other nodes run over all the steps at once too.
"""

from __future__ import annotations

from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import torch

from neurosim.ir.graph import Graph, Node
from neurosim.ir.order import Unit
from neurosim.ops import get
from neurosim.ops._value import Value
from neurosim.sim.recurrent import Layer, recurrent_layer
from neurosim.sim.stream import cut, join

if TYPE_CHECKING:
    from neurosim.sim.executor import Executor

Given = dict[tuple[str, int], Value]  # (node, operand) → what comes from outside the cycle
Values = dict[str, Value]


class Cycle:
    """One unit of nodes; what it holds between chunks is in the executor's state."""

    def __init__(self, graph: Graph, unit: Unit, needed: frozenset[str]) -> None:
        self.graph, self.unit = graph, unit
        self.names = {n.name for n in unit.nodes}
        self.layer: Layer | None = recurrent_layer(graph, unit)
        cut = in_order(unit, lambda n: not spikes(n))
        self.cut = cut is not None  # nothing goes round where no neuron's spikes do
        masks = in_order(unit, lambda n: n.name in needed and not n.value.discrete)
        self.order = cut or masks or unit.nodes
        self.at_once = self.cut or masks is not None
        self.memory = {
            name: max((e.delay for c in graph.consumers[name] for e in c.inputs if e.node == name),
                      default=1) or 1
            for name in self.names
        }  # fmt: skip

    def run(self, executor: Executor, given: Given, steps: int) -> Values:
        """The values of all nodes over the steps, counted."""
        values = self._at_once(executor, given, steps)
        if values:
            for name in self.names:
                executor.step[name] += steps
            return self._counted(executor, given, values)
        results: dict[str, list[Value]] = {name: [] for name in self.names}
        for t in range(steps):
            self._step(executor, given, results, t)
        values = {name: join(parts) for name, parts in results.items()}
        return self._counted(executor, given, values) if self.at_once else values

    def _at_once(self, executor: Executor, given: Given, steps: int) -> Values:
        """Values that are known, or come of one kernel: all the others follow from them."""
        known = executor.known(self.unit.nodes, steps)
        if self.cut and known.keys() >= {n.name for n in self.unit.nodes if spikes(n)}:
            return known
        fits = self.layer is not None and self.layer.fits(executor)
        return self.layer.run(executor, given) if self.layer is not None and fits else {}

    def _step(
        self, executor: Executor, given: Given, results: dict[str, list[Value]], t: int
    ) -> None:
        now: Values = {}
        for node in self.unit.nodes:
            inputs = tuple(
                self._operand(executor, node, i, given, now, t) for i in range(len(node.inputs))
            )
            call = executor.call(node, inputs)
            if self.at_once:
                now[node.name] = Value(get(node.op).run(call), node.value)
            else:
                now[node.name] = executor.execute(node, call)
                executor.count(node, call, now[node.name])
            executor.step[node.name] += 1
        for name, value in now.items():
            results[name].append(value)
            past = executor.state[name].setdefault("past", [])
            past.append(value)
            del past[: -self.memory[name]]

    def _operand(
        self, executor: Executor, node: Node, i: int, given: Given, now: Values, t: int
    ) -> Value:
        edge = node.inputs[i]
        if edge.node not in self.names:
            value = given[node.name, i]
            return value if value.type.steps is None else cut(value, t, t + 1)
        if not edge.delay:
            return now[edge.node]
        past = executor.state[edge.node].get("past", [])
        if len(past) >= edge.delay and executor.step[node.name] >= edge.delay:
            return past[-edge.delay]
        return self._before_start(executor, node, i, given)

    def _before_start(self, executor: Executor, node: Node, i: int, given: Given) -> Value:
        edge = node.inputs[i]
        t = self.graph[edge.node].value
        like = next(iter(given.values()))
        data = torch.zeros((1, like.samples, *t.shape), dtype=like.data.dtype, device=like.device)
        value = Value(data, t, False)
        initial = executor.initial(edge.initial, value)
        return value if initial is None else Value(initial.expand_as(data), t, False)

    def _counted(self, executor: Executor, given: Given, values: Values) -> Values:
        """Count the nodes over all the steps, and run those without a value; the executor already
        stands behind them.
        """
        steps = next(iter(values.values())).steps
        for node in self.order:
            inputs = tuple(
                self._whole(executor, node, i, given, values) for i in range(len(node.inputs))
            )
            call = executor.counting(node, inputs, executor.step[node.name] - steps)
            if node.name not in values:
                values[node.name] = Value(get(node.op).run(call), node.value)
            if node.name in executor.needed:
                values[node.name].arrived = get(node.op).arrive(call)
            executor.count(node, call, values[node.name])
        return values

    def _whole(self, executor: Executor, node: Node, i: int, given: Given, values: Values) -> Value:
        """An operand over all the steps of the chunk."""
        edge = node.inputs[i]
        if edge.node not in self.names:
            return given[node.name, i]
        return executor.operand(node, i, values[edge.node])


def spikes(node: Node) -> bool:
    """Whether it is a neuron that emits spikes."""
    return node.op == "neuron" and node.value.discrete


def in_order(unit: Unit, goes_on: Callable[[Node], bool]) -> tuple[Node, ...] | None:
    """The nodes, each behind those of its operands, delayed or not, that ``goes_on`` holds for;
    None where these go round.
    """
    by = {n.name: n for n in unit.nodes}
    before = {n: [e.node for e in by[n].inputs if e.node in by and goes_on(by[e.node])] for n in by}
    try:
        return tuple(by[name] for name in TopologicalSorter(before).static_order())
    except CycleError:
        return None
