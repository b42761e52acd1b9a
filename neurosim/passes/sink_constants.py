"""Moves every bias that reaches neurons through linear maps into those neurons.

W·(x + b) + c = W·x + (W·b + c): what a neuron receives when nothing fires becomes its
``affine_bias``, one number where it is the same for all places of a channel, and the biases go. So
a chip, whose synapses carry spikes alone, has them where it can hold them. A bias that also reaches
something else (an output, a product) stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.ir.graph import Graph, Node
from neurosim.passes._linear_region import arrays_of, closed, evaluate, region
from neurosim.passes._rewrite import array, substituted

KEEPS = "spikes, outputs, synapse, coincidence, neuron_*"


def sink_constants(graph: Graph) -> Graph:
    """Every bias of the linear maps, sums and affines between spikes and neurons."""
    inside = region(graph)
    own = {n for n in closed(graph, inside) if "bias" in graph[n].params}
    own -= {n for n in own if _shapes(graph, graph[n])}
    if not own:
        return graph
    bare = {name: _without_bias(graph[name]) for name in own}
    before = evaluate(graph, inside, lambda n: arrays_of(graph, n), lambda _: 0.0)
    after = evaluate(graph, inside, lambda n: _kept(graph, n, own), lambda _: 0.0)
    new: dict[str, tuple[Node, ...]] = dict(bare)
    params: dict[str, np.ndarray] = {}
    for node in graph.nodes:
        if node.op == "neuron" and node.inputs[0].node in inside:
            drive = node.inputs[0].node
            constant = before[drive] - after[drive]
            if constant.any():
                new[node.name], params[f"{node.name}.affine_bias"] = _sunk(graph, node, constant)
    renames = {n: graph[n].inputs[0].node for n in own if not new[n]}
    return substituted(graph, new, renames, params)


def _without_bias(node: Node) -> tuple[Node, ...]:
    """An affine that only adds goes altogether."""
    left = {r: k for r, k in node.params.items() if r != "bias"}
    return (replace(node, params=left),) if left or node.op != "affine" else ()


def _kept(graph: Graph, node: Node, own: set[str]) -> dict[str, np.ndarray]:
    """The arrays that a node keeps."""
    gone = {"bias"} if node.name in own else set[str]()
    return {role: a for role, a in arrays_of(graph, node).items() if role not in gone}


def _shapes(graph: Graph, node: Node) -> bool:
    """Whether an affine does more than its numbers say: it broadcasts, or reads a step before."""
    edge = node.inputs[0]
    return node.op == "affine" and (
        bool(edge.delay) or graph[edge.node].value.shape != node.value.shape
    )


def _sunk(graph: Graph, node: Node, constant: np.ndarray) -> tuple[tuple[Node, ...], np.ndarray]:
    """The neuron with s·constant + b as its bias, s and b its affine so far."""
    rows = constant
    for role, join in (("affine_scale", np.multiply), ("affine_bias", np.add)):
        held = array(graph, node, role)
        if held is not None:
            rows = join(rows, held.astype(np.float64))
    key = f"{node.name}.affine_bias"
    sunk = replace(node, params={**node.params, "affine_bias": key})
    return (sunk,), shrunk(rows).astype(np.float32)


def shrunk(value: np.ndarray) -> np.ndarray:
    """Axes along which nothing changes cut to 1."""
    for axis in range(value.ndim):
        first = value.take([0], axis)
        if np.allclose(value, first, rtol=1e-12, atol=0.0):
            value = first
    return value
