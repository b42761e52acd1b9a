"""Which neurons a chip updates in a step by SANA-FE's rule, counted beside everything else.

A neuron is updated in a step when its membrane was not 0 before it, or an event reached it, or a
current that is no event's (a bias, a real input) is not 0; else it is only looked at. Found in
SANA-FE 2.2.9 (its leaky integrate-and-fire soma) and checked against it run by run; an input neuron
is a neuron like the others. Counts do not hold the membrane, so each neuron is scanned once more;
where neurons feed back on themselves, with the spikes of the first run, over all steps at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.counts import CountsBuilder
from neurosim.ir.fixed_point import BIAS
from neurosim.ir.graph import Graph, Node
from neurosim.ir.neuron import Neuron
from neurosim.ir.order import units
from neurosim.ops._arrive import STORED, arrival
from neurosim.ops._neuron_fused import scan_fused
from neurosim.ops._neuron_scan import parameters, trace
from neurosim.ops._value import Call, Value
from neurosim.ops.neuron import equation
from neurosim.sim.choice import chooser
from neurosim.sim.cost import EVENT
from neurosim.sim.cycle import spikes
from neurosim.sim.executor import Executor
from neurosim.sim.prepare import exact_float32, prepare

UPDATED = "neuron_updated"


class UpdatesExecutor(Executor):
    """An executor that counts ``neuron_updated`` alone. Lists of synapses (mostly zeros) leave out
    those of weight 0, so nothing arrives over them. ``fired``: node → spikes of a run before, of
    the neurons in ``looped``. ``masks``: node → which neurons, as uint8 (steps, samples, *shape),
    of the nodes in ``keep``.
    """

    def __init__(self, fired: Mapping[str, Tensor], *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fired, self.overwritten = fired, {}  # currents are looked at again
        self.deferred = frozenset()
        for node in self.graph.nodes:
            listed = node.op == "linear" and len(node.known.in_shapes[0]) == 1
            self.state[node.name][STORED] = listed and node.known.encoding == "sparse"
        self.membranes: dict[str, dict[str, Any]] = {}
        self.masks: dict[str, list[Tensor]] = {}

    def known(self, nodes: tuple[Node, ...], steps: int) -> dict[str, Value]:
        """Spikes of the first run."""
        return {
            n.name: Value(self.fired[n.name][self.step[n.name] :][:steps], n.value)
            for n in nodes
            if n.name in self.fired
        }

    def call(self, node: Node, inputs: tuple[Value, ...]) -> Call:
        """Neurons by the fused scan, which is torch's bit for bit."""
        made = super().call(node, inputs)
        return replace(made, engine=EVENT) if node.op == "neuron" else made

    def count(self, node: Node, call: Call, out: Value) -> None:
        """The updates of a neuron."""
        watched = call.attrs.get("emit", "spike") == "v" and equation_output(node) == "spike"
        if node.op != "neuron" or watched:
            return
        mask = self._updated(node, call)
        summed = mask.flatten(2).sum(2).numpy(force=True).astype(np.int64)
        self.counts.add(node.name, UPDATED, summed, call.first_step, self.first_sample)
        if node.name in self.kept:
            self.masks.setdefault(node.name, []).append(mask.to(torch.uint8))

    def _updated(self, node: Node, call: Call) -> Tensor:
        """bool (steps, samples, *shape)."""
        (x,) = call.inputs
        before = self._before(node, call)
        reached = arrival(x)
        if reached is True:
            found = (before != 0) | (_current(call, x) != 0)
        else:
            found = (before != 0) | (_current(call, None, x) != 0)
            found = found | reached if isinstance(reached, Tensor) else found
        return found.expand(x.data.shape)

    def _before(self, node: Node, call: Call) -> Tensor:
        """The membrane before each step, (steps, samples, *shape)."""
        (x,) = call.inputs
        neuron, held = equation(node), self.membranes.setdefault(node.name, {})
        if neuron.fixed_point is not None:
            start, v = _whole(neuron, call, held)
        else:
            first = parameters(neuron, call.params, x.data)["v_init"] + torch.zeros_like(x.data[0])
            if call.attrs.get("memoryless"):
                return first.expand(x.data.shape)
            start, v = torch.as_tensor(held.get("v", first)), _membranes(neuron, call, held)
        return torch.cat([start.unsqueeze(0), v[:-1]])


def _membranes(neuron: Neuron, call: Call, held: dict[str, Any]) -> Tensor:
    """After each step, (steps, samples, *shape); ``held``: the state, brought up to date."""
    x, first = call.inputs[0].data, call.first_step
    if x.device.type != "cpu":
        _, v, state = trace(neuron, call.params, x, held or None, first_step=first)
        held.update(state)
        return v
    arrays = {k: a.numpy() for k, a in call.params.items()}
    done = scan_fused(neuron, arrays, x.numpy(), held or None, first_step=first, membrane=True)
    assert done.membrane is not None
    held.update(done.state)
    return torch.from_numpy(done.membrane)


def _whole(neuron: Neuron, call: Call, held: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Of a neuron in whole numbers: the membrane before all steps, and after each."""
    from neurosim.ops import _neuron_fixed

    x, own = call.inputs[0].data, replace(call, state=held, engine=EVENT)
    start = held["fixed"]["v"].to(x.dtype) if held else torch.zeros_like(x[0])
    assert neuron.fixed_point is not None
    return start, _neuron_fixed.run(own, neuron.emitting_membrane(), neuron.fixed_point)


def looped(graph: Graph) -> frozenset[str]:
    """Neurons whose spikes of the first run ``count_updates`` needs: those that feed back."""
    cycles = [unit for unit in units(graph) if unit.cycle]
    return frozenset(n.name for unit in cycles for n in unit.nodes if spikes(n))


def equation_output(node: Node) -> str:
    """ "spike" or "v" of a neuron node; "" of another."""
    return equation(node).output if node.op == "neuron" else ""


def _current(call: Call, x: Value | None, like: Value | None = None) -> Tensor:
    """The current after a sunk affine; of the bias alone where events are counted by themselves."""
    steps = (x or like).steps  # type: ignore[union-attr]
    data = torch.zeros(()) if x is None else x.data
    for role, apply in (("affine_scale", torch.mul), ("affine_bias", torch.add)):
        if role in call.params:
            data = apply(data, call.step_param(role, steps).unsqueeze(1))
    return data + call.params.get(BIAS, 0.0)


def count_updates(
    graph: Graph,
    clip: Tensor,
    counts: CountsBuilder,
    chunk: int,
    keep: frozenset[str],
    fired: Mapping[str, Tensor],
) -> dict[str, np.ndarray]:
    """Adds ``neuron_updated`` of every neuron to ``counts``: a second run, by torch. ``fired``:
    spikes (steps, samples, *shape) of the neurons in ``looped``. Returns which neurons, as
    NODE/updated, of the nodes in ``keep``.
    """
    choice = chooser("dense", str(clip.device), False, {})
    params = prepare(graph, str(clip.device))
    executor = UpdatesExecutor(fired, graph, params, counts, choice, keep)
    with torch.no_grad(), exact_float32():
        for start in range(0, len(clip), chunk):
            executor.feed(clip[start : start + chunk], start + chunk >= len(clip))
    return {
        f"{name}/updated": torch.cat(parts).numpy(force=True)
        for name, parts in sorted(executor.masks.items())
    }
