"""A plain interpreter: the whole clip at once, no chunks, no counts. The proof of a capture, and
the engine's oracle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.order import Unit, units
from neurosim.ops._build import get
from neurosim.ops._value import Call, Value


def interpret(
    graph: Graph,
    clip: Tensor,
    forced: Mapping[str, Tensor] | None = None,
    keep: frozenset[str] | None = None,
    fused: bool = False,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(value of every node, what each forced node would have computed), (steps, samples, *shape).

    ``clip``: (steps, samples, *shape). ``forced``: node → the value that its readers shall see.
    ``keep``: the values
    to return (None: all). ``fused``: neurons by the compiled scan instead of torch, bit for bit the
    same.
    """
    machine = _Machine(graph, clip, dict(forced or {}), fused)
    order = units(graph)
    last = {e.node: i for i, unit in enumerate(order) for n in unit.nodes for e in n.inputs}
    with torch.no_grad():
        for i, unit in enumerate(order):
            machine.run(unit)
            for name in [
                n
                for n in machine.values
                if keep is not None and n not in keep and last.get(n, i) <= i
            ]:
                del machine.values[name]
    return machine.values, machine.computed


class _Machine:
    def __init__(self, graph: Graph, clip: Tensor, forced: dict[str, Tensor], fused: bool) -> None:
        self.graph, self.clip, self.forced = graph, clip, forced
        self.engine = "event" if fused else "dense"
        self.values: dict[str, Tensor] = {}
        self.computed: dict[str, Tensor] = {}

    def run(self, unit: Unit) -> None:
        if unit.cycle:
            self._run_cycle(unit)
            return
        (node,) = unit.nodes
        if node.op == "input":
            self.values[node.name] = self.clip
            return
        inputs = tuple(self._whole(e) for e in node.inputs)
        self._keep(node, get(node.op).run(self._call(node, inputs, {}, 0)))

    def _keep(self, node: Node, out: Tensor) -> None:
        if node.name in self.forced:
            self.computed[node.name] = out
            out = self.forced[node.name]
        self.values[node.name] = out

    def _call(
        self, node: Node, inputs: tuple[Tensor, ...], state: dict[str, Any], step: int
    ) -> Call:
        values = tuple(
            Value(x, self.graph[e.node].value) for x, e in zip(inputs, node.inputs, strict=True)
        )
        params = {
            r: torch.from_numpy(np.array(self.graph.params[k])) for r, k in node.params.items()
        }
        engine = self.engine if node.op == "neuron" else "dense"
        return Call(node, values, params, state, step, engine)

    def _whole(self, edge: Edge) -> Tensor:
        value = self.values[edge.node]
        if not edge.delay:
            return value
        return torch.cat(
            [self._initial(edge, value).expand(edge.delay, *value.shape[1:]), value[: -edge.delay]]
        )

    def _initial(self, edge: Edge, like: Tensor) -> Tensor:
        if not edge.initial:
            return torch.zeros_like(like[:1])
        return torch.from_numpy(self.graph.params[edge.initial].copy()).expand_as(like[:1])

    def _run_cycle(self, unit: Unit) -> None:
        names = {n.name for n in unit.nodes}
        states: dict[str, dict[str, Any]] = {n: {} for n in names}
        past: dict[str, list[Tensor]] = {n: [] for n in names}
        raw: dict[str, list[Tensor]] = {n: [] for n in names}
        for t in range(len(self.clip)):
            for node in unit.nodes:
                inputs = tuple(self._at(e, t, names, past) for e in node.inputs)
                out = get(node.op).run(self._call(node, inputs, states[node.name], t))
                raw[node.name].append(out)
                past[node.name].append(
                    self.forced[node.name][t : t + 1] if node.name in self.forced else out
                )
        for node in unit.nodes:
            self.values[node.name] = torch.cat(past[node.name])
            if node.name in self.forced:
                self.computed[node.name] = torch.cat(raw[node.name])

    def _at(self, edge: Edge, t: int, names: set[str], past: dict[str, list[Tensor]]) -> Tensor:
        if edge.node not in names:
            value = self._whole(edge)
            return value if self.graph[edge.node].value.steps is None else value[t : t + 1]
        if t - edge.delay >= 0:
            return past[edge.node][t - edge.delay]
        t_type = self.graph[edge.node].value
        return self._initial(edge, torch.zeros((1, self.clip.shape[1], *t_type.shape)))
