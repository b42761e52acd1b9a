"""Runs a graph chunk by chunk: every unit consumes the steps that all its operands have, and passes
its own on.

Operators that need the whole clip (``time = "clipwise"``) collect; a cycle runs step by step;
everything else runs over
the chunk at once, so Python is entered a few times per node and chunk.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import SimulationError
from neurosim.ir.counts import CountsBuilder
from neurosim.ir.graph import Graph, Node
from neurosim.ir.order import Unit
from neurosim.ops import get
from neurosim.ops._value import Call, Value
from neurosim.ops.affine import Deferred
from neurosim.ops.time_reduce import TimeReduce
from neurosim.sim.cycle import Cycle
from neurosim.sim.halo import Halo, streams
from neurosim.sim.schedule import schedule
from neurosim.sim.stream import Queue, Steps, delayed

MOVES = ("reshape", "permute")  # every element of a slice stays in it, and there once


class Choose(Protocol):
    """Which engine runs a node on these operands."""

    def __call__(self, node: Node, inputs: tuple[Value, ...]) -> str:
        """ "dense" or "event"."""
        ...

    def free(self, name: str) -> bool:
        """Whether no replayed choice keeps a node from the event engine."""
        ...

    def note(self, name: str, word: str) -> None:
        """A node was run by this engine without being asked about."""
        ...

    def walks(self, readers: tuple[Node, ...]) -> bool:
        """Whether these nodes may walk over events, as far as is known."""
        ...


class Executor:
    """One pass of one clip (all its samples) through a graph."""

    def __init__(
        self,
        graph: Graph,
        params: dict[str, dict[str, Tensor]],
        counts: CountsBuilder,
        choose: Choose,
        keep: frozenset[str],
        kernels: Any = None,
        first_sample: int = 0,
    ) -> None:
        self.graph, self.params, self.counts, self.choose = graph, params, counts, choose
        self.kernels, self.first_sample = kernels, first_sample
        plan = schedule(graph, keep)
        self.units, self.needed, self.packed = plan.units, plan.needed, plan.readers
        self.overwritten, self.deferred = plan.overwritten, plan.deferred
        self.simple = plan.simple
        names = graph.by_name
        self.state: dict[str, dict[str, Any]] = {name: {} for name in names}
        self.step: dict[str, int] = dict.fromkeys(names, 0)
        self.done: set[str] = set()
        self.total = counts.total  # steps of the clip; None until the end of a stream is seen
        self.fed = 0
        self.at_end: list[tuple[str, str, np.ndarray]] = []  # counts of the last step of a stream
        self.kept = {name: Steps(self.total or 1) for name in keep}
        self.halos: dict[str, Halo] = {}
        self.queues: dict[tuple[str, int], Queue] = {}  # into cycles
        self.operands: dict[str, list[Queue]] = {name: [] for name in names}
        self.readers: dict[str, list[Queue]] = {name: [] for name in names}
        for line in plan.lines:
            queue = Queue(line.sequence)
            self.operands[line.node].append(queue)
            self.readers[line.source].append(queue)
            if line.into_loop:
                self.queues[line.node, line.place] = queue
        self.cycles = {u.nodes[0].name: Cycle(graph, u, self.needed) for u in self.units if u.cycle}

    def feed(self, clip: Tensor, final: bool) -> None:
        """Run everything that the next steps of the clip (steps, samples, *shape) allow."""
        if not self.fed and not final:  # in pieces
            self.halos = {n.name: Halo(n) for n in self.graph.nodes if streams(n)}
        self.fed += len(clip)
        if final and self.total is None:
            self.total = self.fed
        for node in self.graph.inputs:
            value = Value(clip, node.value, True)
            self._finish(
                node, value, Call(node, (value,), {}, {}, self.step[node.name]), value.steps
            )
        for unit in self.units:
            node = unit.nodes[0]
            if node.name in self.simple:
                self._simply(node)
            elif node.op != "input":
                self._advance(unit, final)
        if final:
            for node, event, counted in self.at_end:
                self.counts.add(node, event, counted, self.fed - 1, self.first_sample)

    def taken(self) -> dict[str, Tensor]:
        """The kept values since the last call, which are forgotten."""
        found = {name: steps.value() for name, steps in self.kept.items() if steps.length}
        self.kept = {name: Steps(1) for name in self.kept}
        return found

    def _simply(self, node: Node) -> None:
        queues = self.operands[node.name]
        steps = queues[0].pending if len(queues) == 1 else min([q.pending for q in queues])
        if steps:
            call = self.call(node, tuple([q.take(steps) for q in queues]))
            self._finish(node, self.execute(node, call), call, steps)

    def _advance(self, unit: Unit, final: bool) -> None:
        if unit.cycle:
            self._run_cycle(unit)
            return
        (node,) = unit.nodes
        queues = self.operands[node.name]
        op = get(node.op)
        if any(not q.sequence and q.clip is None for q in queues):
            return
        sequences = [q for q in queues if q.sequence]
        if not sequences:
            if node.name not in self.done:
                self.done.add(node.name)
                self._run(node, tuple(q.take(1) for q in queues), 1)
            return
        reduces = isinstance(op, TimeReduce)
        whole = op.time == "clipwise" and not reduces
        if whole and not final and node.name not in self.halos:
            return
        steps = min(q.pending for q in sequences)
        if node.name in self.halos:
            self._through(node, queues[0], steps, final)
            return
        if steps:
            self._run(
                node,
                tuple(self.operand(node, i, q.take(steps)) for i, q in enumerate(queues)),
                steps,
            )
        if final and reduces:
            self._reduce_end(node)

    def _through(self, node: Node, queue: Queue, steps: int, final: bool) -> None:
        """Of a convolution over time, the outputs that are complete."""
        if not steps and not (final and self.halos[node.name].held):
            return
        piece = self.operand(node, 0, queue.take(steps)) if steps else None
        out = self.halos[node.name].feed(self, piece, final)
        self.step[node.name] += steps
        if out is not None:
            self._pass_on(node, out)

    def operand(self, node: Node, i: int, value: Value) -> Value:
        """What edge ``i`` hands on of its source: the same, or that of so many steps ago."""
        edge = node.inputs[i]
        if not edge.delay:
            return value
        state = self.state[node.name]
        initial = self.initial(edge.initial, value)
        now, state[f"held{i}"] = delayed(value, state.get(f"held{i}"), initial, edge.delay)
        return now

    def initial(self, key: str, like: Value) -> Tensor | None:
        """What a delayed edge holds before the first step; None: zeros."""
        if not key:
            return None
        held = np.array(self.graph.params[key])  # a copy: the graph's own is read-only
        return torch.as_tensor(held, dtype=torch.float32, device=like.device)

    def call(self, node: Node, inputs: tuple[Value, ...]) -> Call:
        """One execution of a node, by the engine that is chosen for it."""
        engine = self.choose(node, inputs)
        return Call(
            node,
            inputs,
            self.params[node.name],
            self.state[node.name],
            self.step[node.name],
            engine,
            self.kernels,
            self._bits_order(node),
            self.overwritten.get(node.name),
        )

    def _bits_order(self, node: Node) -> tuple[int, ...] | None:
        readers = self.packed.get(node.name)
        return readers.order if readers and self.choose.walks(readers.nodes) else None

    def _run(self, node: Node, inputs: tuple[Value, ...], steps: int) -> None:
        op, call = get(node.op), self.call(node, inputs)
        if isinstance(op, TimeReduce):
            self._reduce(node, op, call, steps)
            return
        if node.op == "constant" and node.attrs.get("per_step"):
            raise SimulationError(
                f"at {node.name!r}: a constant with a value per step has no operand to follow"
            )
        self._finish(node, self.execute(node, call), call, steps)

    def counting(self, node: Node, inputs: tuple[Value, ...], first_step: int) -> Call:
        """A call that is only counted."""
        return Call(node, inputs, self.params[node.name], self.state[node.name], first_step)

    def execute(self, node: Node, call: Call) -> Value:
        """What comes of it, with its arrival mask where one is needed."""
        op = get(node.op)
        if node.name in self.deferred and call.kernels is not None:
            out = Deferred(call.inputs[0].data, node.value, call=call)
        else:
            out = Value(op.run(call), node.value)
        if node.op in MOVES:
            out.spikes = call.inputs[0].spikes
        if node.name in self.needed:
            call.out = out
            out.arrived = op.arrive(call)
        return out

    def _reduce(self, node: Node, op: TimeReduce, call: Call, steps: int) -> None:
        op.accumulate(call)
        state = self.state[node.name]
        if node.name in self.needed:
            mask = op.arrive(call)
            state["arrived"] = mask if "arrived" not in state else _or(state["arrived"], mask)
        state["last"] = self.total is not None and self.step[node.name] + steps >= self.total
        self.count(node, call, Value(call.inputs[0].data[:1], node.value))
        self.step[node.name] += steps

    def _reduce_end(self, node: Node) -> None:
        state = self.state[node.name]
        if node.name in self.done or "value" not in state:
            return
        self.done.add(node.name)
        op = get(node.op)
        assert isinstance(op, TimeReduce)
        value = Value(op.result(Call(node, (), {}, state)), node.value, state.get("arrived", True))
        self._pass_on(node, value)

    def _run_cycle(self, unit: Unit) -> None:
        names = {n.name for n in unit.nodes}
        outer = {
            (n.name, i): self.queues[n.name, i]
            for n in unit.nodes
            for i, e in enumerate(n.inputs)
            if e.node not in names
        }
        if any(not q.sequence and q.clip is None for q in outer.values()):
            return
        pending = [q.pending for q in outer.values() if q.sequence]
        steps = min(pending) if pending else 0
        if not steps:
            return
        given = {
            key: self.operand(self.graph[key[0]], key[1], q.take(steps)) for key, q in outer.items()
        }
        values = self.cycles[unit.nodes[0].name].run(self, given, steps)
        for node in unit.nodes:
            self._pass_on(node, values[node.name])

    def _finish(self, node: Node, out: Value, call: Call, steps: int) -> None:
        self.count(node, call, out)
        self.step[node.name] += steps
        self._pass_on(node, out)

    def _pass_on(self, node: Node, out: Value) -> None:
        if node.name in self.kept:
            self.kept[node.name].add(out.data.clone() if node.op == "expand" else out.data)
        for queue in self.readers[node.name]:
            queue.push(out)

    def count(self, node: Node, call: Call, out: Value) -> None:
        """Its events, at the steps of its source."""
        found = get(node.op).count(call, out)
        if not found:
            return
        timeless = node.name not in self.simple and all(
            [v.type.steps is None for v in call.inputs]
        )  # no source step
        first, slices = call.first_step, (out.steps, out.samples)
        if not timeless and (self.total is None or first + slices[0] <= self.total):
            found = self.counts.add_slices(node.name, found, slices, first, self.first_sample)
        for event, each in found.items():
            counted = np.full(slices, each) if isinstance(each, int) else np.asarray(each)
            first = call.first_step
            if timeless:
                if self.total is None:
                    self.at_end.append((node.name, event, counted))
                    continue
                first = self.total - 1
            elif self.total is not None and first + len(counted) > self.total:
                counted = _folded(counted, self.total)
                first = self.total - len(counted)
            self.counts.add(node.name, event, counted, first, self.first_sample)

    def known(self, nodes: tuple[Node, ...], steps: int) -> dict[str, Value]:
        """The next steps of nodes whose values are known before they run."""
        return {}

    def result(self, name: str) -> Tensor:
        """A kept value: (steps, samples, *shape), one step for a clip value."""
        return self.kept[name].value()


def _folded(counted: np.ndarray, steps: int) -> np.ndarray:
    """Of a value with more steps than the clip, the surplus belongs to the last step."""
    if len(counted) <= steps:
        return counted
    kept = counted[-steps:].copy()
    kept[-1] += counted[:-steps].sum(axis=0)
    return kept


def _or(a: Any, b: Any) -> Any:
    if a is True or b is True:
        return True
    return b if a is False else a if b is False else a | b
