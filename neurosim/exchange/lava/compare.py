"""The same network in Lava and in our simulator, spike by spike.

Lava's spikes of a layer lag by its depth: exactly so many steps are taken off in front, and they
have to be silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import SimulationError
from neurosim.exchange.lava.from_graph import plan_of
from neurosim.exchange.lava.network import prepared, source_values
from neurosim.exchange.lava.plan import Plan, aligned
from neurosim.exchange.lava.run import run_plan
from neurosim.ir.graph import Graph

TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class Layer:
    """One neuron node. ``different``: neuron-steps at which exactly one of the two fired;
    ``early``: Lava's spikes in the ``depth`` steps before the first of the clip."""

    depth: int
    neuron_steps: int
    spikes: int
    lava_spikes: int
    different: int
    early: int

    @property
    def identical(self) -> float:
        """Share of neuron-steps on which both agree."""
        return 1.0 - self.different / self.neuron_steps


@dataclass(frozen=True)
class Comparison:
    """``layers``: by neuron node. ``kinds``: how many Lava processes of which kind."""

    layers: Mapping[str, Layer]
    fixed: bool
    steps: int
    samples: int
    kinds: Mapping[str, int]

    @property
    def bit_identical(self) -> bool:
        """Every spike of every layer, and silence before the first step."""
        return all(not (layer.different or layer.early) for layer in self.layers.values())

    @property
    def identical(self) -> float:
        """Share of all neuron-steps on which both agree."""
        total = sum(layer.neuron_steps for layer in self.layers.values())
        return 1.0 - sum(layer.different for layer in self.layers.values()) / total


def compare_with_lava(
    graph: Graph,
    clip: Any,
    *,
    until: Iterable[str] | None = None,
    engine: str = "event",
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Comparison:
    """Run a lowered (and, for fixed point, quantised) graph in both, every sample of the clip.

    Raises LavaError: nodes that Lava has no counterpart of. SimulationError: Lava failed, or was
    not done in time (of all samples together).
    """
    from neurosim.sim.simulate import simulate

    graph = prepared(graph)
    plan = plan_of(graph, until)
    ours = simulate(graph, clip, engine, record=list(plan.neurons)).trace
    values = source_values(graph, plan, clip)
    steps, samples = next(iter(values.values())).shape[:2]
    plan = Plan(plan.units, plan.neurons, plan.sources, plan.fixed, int(steps))
    whole, depth = aligned(plan)
    theirs = [
        run_plan(plan, {n: v[:, s] for n, v in values.items()}, timeout_seconds / samples)
        for s in range(samples)
    ]
    layers = {
        name: _layer(ours[name], [run[name] for run in theirs], order, depth[name])
        for name, order in plan.neurons.items()
    }
    if not any(layer.neuron_steps for layer in layers.values()):
        raise SimulationError("Lava: the clip has no step; give at least one")
    return Comparison(layers, plan.fixed, int(steps), int(samples), _kinds(whole))


def _layer(ours: np.ndarray, theirs: list[np.ndarray], order: np.ndarray, depth: int) -> Layer:
    """``ours``: (steps, samples, *shape); ``theirs``: of each sample (steps + depth, *Lava's)."""
    late = np.stack([t.reshape(len(t), -1)[:, order.reshape(-1)] for t in theirs], axis=1)
    late = late.reshape(late.shape[0], late.shape[1], *order.shape)
    ours = ours.reshape(ours.shape[0], ours.shape[1], *order.shape)
    return Layer(
        depth,
        int(ours.size),
        int(ours.sum(dtype=np.int64)),
        int(late.sum(dtype=np.int64)),
        int((ours != late[depth:]).sum()),
        int(late[:depth].sum(dtype=np.int64)),
    )


def _kinds(plan: Plan) -> dict[str, int]:
    found: dict[str, int] = {}
    for unit in plan.units:
        found[unit.kind] = found.get(unit.kind, 0) + 1
    return found
