"""Folds constant scales into the weights that follow: W·(s·x) = (W·s)·x for one number s.

A scale on spikes changes no integer, so synapse counts stay; the multiplication per element goes.
Scales that feed a neuron are taken by ``sink_affine``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.ir.graph import Graph, Node
from neurosim.passes._rewrite import only_reader, substituted

KEEPS = "spikes, outputs, synapse, coincidence, neuron_*"
_WEIGHTS = ("convolution", "temporal_convolution", "linear")


def fold_scales(graph: Graph) -> Graph:
    """Every scale other than 0 whose only reader is a weight node."""
    for node in reversed(graph.nodes):  # a scale may follow a scale
        if node.op == "affine" and set(node.params) == {"scale"}:
            graph = _fold(graph, graph[node.name])
    return graph


def _fold(graph: Graph, node: Node) -> Graph:
    scale = graph.params[node.params["scale"]]
    reader = only_reader(graph, node)
    if not _one_number(graph, node, scale) or reader is None or reader.op not in _WEIGHTS:
        return graph
    number = float(scale.reshape(-1)[0])
    number = 1.0 / number if node.attrs.get("divide") else number
    weight = graph.params[reader.params["weight"]]
    key = f"{reader.name}.weight*{node.name}"
    folded = replace(reader, params={**reader.params, "weight": key})
    params = {key: (weight.astype(np.float64) * number).astype(np.float32)}
    return substituted(
        graph, {reader.name: (folded,), node.name: ()}, {node.name: node.inputs[0].node}, params
    )


def _one_number(graph: Graph, node: Node, scale: np.ndarray) -> bool:
    """The same finite number other than 0 for every element and step, of the operand in this
    step."""
    if scale.size != 1 or node.attrs.get("per_step") or node.inputs[0].delay:
        return False
    if node.value.shape != graph[node.inputs[0].node].value.shape:
        return False
    return bool(np.isfinite(scale).all() and (scale != 0).all())
