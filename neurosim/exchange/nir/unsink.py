"""Norms and biases that lowering put into neurons, back in the weights in front of them.

A neuron node may scale and shift its input by itself: x ← α·x + β. NIR's neurons do not. Where x is
Σ w·s + b of one convolution or linear map that nothing else reads, the same is Σ (α·w)·s + (α·b +
β): exact in real arithmetic, and in float32 where α is a power of two. Elsewhere it stays, and
``to_nir`` says so.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim import ops
from neurosim.ir.graph import Graph, Node

_ROLES = ("affine_scale", "affine_bias")


def unsunk(graph: Graph) -> Graph:
    """The graph with every such affine that fits in its weights."""
    new: dict[str, Node] = {}
    params = dict(graph.params)
    for neuron in graph.nodes:
        node = _weights_of(graph, neuron)
        if node is None:
            continue
        alpha, beta = (_channels(graph, neuron, node, role) for role in _ROLES)
        if alpha is None or beta is None:
            continue
        keys = {"weight": f"{node.name}.weight.nir", "bias": f"{node.name}.bias.nir"}
        params |= dict(zip(keys.values(), _scaled(graph, node, alpha, beta), strict=True))
        plain = {r: k for r, k in neuron.params.items() if r not in _ROLES}
        new[neuron.name] = replace(neuron, params=plain)
        new[node.name] = replace(node, params={**node.params, **keys})
    if not new:
        return graph
    nodes = tuple(new.get(n.name, n) for n in graph.nodes)
    return ops.build(replace(graph, nodes=nodes, params=params))


def _weights_of(graph: Graph, neuron: Node) -> Node | None:
    """The weights that feed a neuron with an affine, and nothing else."""
    if neuron.op != "neuron" or not any(role in neuron.params for role in _ROLES):
        return None
    (edge,) = neuron.inputs
    node = graph[edge.node]
    plain = node.op == "linear" or (node.op == "convolution" and not node.attrs["transposed"])
    alone = len(graph.consumers[node.name]) == 1 and node.name not in graph.outputs
    return node if plain and alone and not edge.delay else None


def _channels(graph: Graph, neuron: Node, node: Node, role: str) -> np.ndarray | None:
    """One number for each output channel (float64); None where it differs within a channel."""
    shape = node.value.shape
    if role not in neuron.params:
        return np.full(_out(node, shape), 1.0 if role == "affine_scale" else 0.0)
    held = graph.params[neuron.params[role]].astype(np.float64)
    if held.shape[0] != 1:
        return None
    full = np.broadcast_to(held[0], shape)
    rows = np.moveaxis(full, -1 if node.op == "linear" else 0, 0).reshape(_out(node, shape), -1)
    return rows[:, 0] if (rows == rows[:, :1]).all() else None


def _out(node: Node, shape: tuple[int, ...]) -> int:
    return shape[-1] if node.op == "linear" else shape[0]


def _scaled(
    graph: Graph, node: Node, alpha: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    weight = graph.params[node.params["weight"]].astype(np.float64)
    held = node.params.get("bias")
    bias = 0.0 if held is None else graph.params[held].astype(np.float64)
    tall = alpha.reshape(-1, *[1] * (weight.ndim - 1))
    return (weight * tall).astype(np.float32), (bias * alpha + beta).astype(np.float32)
