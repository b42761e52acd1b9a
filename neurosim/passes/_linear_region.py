"""The real values between spikes: which of them are linear in the spikes, and what they are when
nothing fires.

The region of a neuron is every REAL value from which its current is made by linear maps, sums and
movement of discrete values or of the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from neurosim.ir.graph import Graph, Node
from neurosim.ir.leaky_form import integrates_only

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = ("convolution", "linear", "temporal_convolution")
MOVES = ("reshape", "permute", "slice", "expand", "pad", "concat", "index")
LINEAR = ("convolution", "linear", *MOVES, "add", "affine")
Params = Mapping[str, np.ndarray]


def is_source(node: Node) -> bool:
    """Where a region begins: spikes, other integers, or the clip."""
    return node.value.discrete or node.op in ("input", "to_integers")


def region(graph: Graph) -> set[str]:
    """REAL values that are linear in sources of the same step, or of a step before."""
    found: set[str] = set()
    for node in graph.nodes:
        if node.op not in LINEAR or is_source(node) or node.value.steps is None:
            continue
        operands = [(graph[e.node], e.delay) for e in node.inputs]
        if all(is_source(n) or (n.name in found and not delay) for n, delay in operands):
            found.add(node.name)
    return found


def closed(graph: Graph, inside: set[str]) -> set[str]:
    """Of the region, what is read by others of these and by spiking neurons alone (those in fixed
    point, whose registers are set, aside)."""
    kept: set[str] = set()
    for node in reversed(graph.nodes):
        readers = graph.consumers[node.name]
        ends = all(r.name in kept or _free(r) for r in readers)
        delayed = any(e.delay for r in readers for e in r.inputs if e.node == node.name)
        if node.name in inside and readers and ends and not delayed:
            if node.name not in graph.outputs:
                kept.add(node.name)
    return kept


def _free(node: Node) -> bool:
    if node.op != "neuron" or integrates_only(node):
        return False
    return not node.attrs["equation"].get("fixed_point")


def evaluate(
    graph: Graph,
    inside: set[str],
    params_of: Callable[[Node], Params],
    source: Callable[[Node], float],
) -> dict[str, np.ndarray]:
    """Every value of the region in float64, (steps or 1, *shape), where each source is one number
    everywhere; ``params_of``: the arrays of a node by role."""
    import torch

    from neurosim.ops import get
    from neurosim.ops._value import Call, Value

    steps = graph.steps if any(graph[n].attrs.get("per_step") for n in inside) else 1
    made: dict[str, Tensor] = {}
    for node in graph.nodes:
        if node.name not in inside:
            continue
        operands = []
        for edge in node.inputs:
            before = graph[edge.node]
            if edge.node not in inside:
                shape = (steps, 1, *before.value.shape)
                made[edge.node] = torch.full(shape, source(before), dtype=torch.float64)
            operands.append(Value(made[edge.node], before.value.real()))
        arrays = {r: torch.from_numpy(np.array(a, np.float64)) for r, a in params_of(node).items()}
        with torch.no_grad():
            made[node.name] = get(node.op).run(Call(node, tuple(operands), arrays, {}))
    return {name: made[name][:, 0].numpy() for name in inside}


def arrays_of(graph: Graph, node: Node) -> dict[str, np.ndarray]:
    """Parameters by role."""
    return {role: graph.params[key] for role, key in node.params.items()}
