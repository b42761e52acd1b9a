"""A graph as a network of Lava processes in this Python process (``exchange.to_lava``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import passes
from neurosim.exchange.lava.build import LavaNetwork, build
from neurosim.exchange.lava.from_graph import lava_shape, plan_of
from neurosim.exchange.lava.plan import Plan, Unit, depths
from neurosim.ir.graph import Graph

if TYPE_CHECKING:
    from torch import Tensor


def prepared(graph: Graph) -> Graph:
    """The graph as it is mapped: biases in the neurons, where Lava has them."""
    return passes.apply(graph, "sink_constants")


def network_of(
    graph: Graph,
    clip: Tensor | None,
    until: Iterable[str] | None,
    sample: int,
    reset_every: int | None,
) -> LavaNetwork:
    """See ``exchange.to_lava``."""
    from lava.proc.io.source import RingBuffer

    graph = prepared(graph)
    plan = plan_of(graph, until)
    if clip is None:
        return build(plan, None, reset_every)
    values = source_values(graph, plan, clip)
    silent = max(depths(plan).values())

    def ring(name: str, unit: Unit) -> Any:
        rows = np.moveaxis(values[name][:, sample], 0, -1)
        room = [(0, 0)] * (rows.ndim - 1) + [(0, silent)]  # a ring buffer starts anew at its end
        return RingBuffer(data=np.pad(rows, room).astype(int if plan.fixed else float))

    return build(plan, ring, reset_every)


def source_values(graph: Graph, plan: Plan, clip: Any) -> dict[str, np.ndarray]:
    """What drives the network, (steps, samples, *Lava's shape), as our simulator computes it."""
    from neurosim.sim.simulate import simulate

    run = simulate(graph, clip, "dense", record=list(plan.sources))
    found = {}
    for name in plan.sources:
        value = np.asarray(run.trace[name], np.float64)
        axes = (0, 1, *range(value.ndim - 1, 1, -1)) if value.ndim == 5 else range(value.ndim)
        shape = (*value.shape[:2], *lava_shape(graph[name].value.shape))
        found[name] = np.ascontiguousarray(value.transpose(*axes)).reshape(shape)
    return found
