"""Sinks the constant bias of a weight node into the neuron that alone reads it: one addition fewer
an output and step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.ir.graph import Graph, Node
from neurosim.passes._rewrite import only_reader, substituted

KEEPS = "spikes, outputs, synapse, coincidence, neuron_*"


def sink_bias(graph: Graph) -> Graph:
    """Every bias whose only reader is a neuron."""
    for node in graph.nodes:
        reader = only_reader(graph, node)
        if node.op in ("convolution", "linear") and "bias" in node.params and reader is not None:
            if reader.op == "neuron":
                graph = _sink(graph, graph[node.name], graph[reader.name])
    return graph


def _sink(graph: Graph, node: Node, neuron: Node) -> Graph:
    bias = graph.params[node.params["bias"]].astype(np.float64)
    tail = [1] * (len(node.value.shape) - 1)
    rows = bias.reshape(1, *tail, -1) if node.op == "linear" else bias.reshape(1, -1, *tail)
    scale, old = (_held(graph, neuron, r) for r in ("affine_scale", "affine_bias"))
    rows = rows if scale is None else rows * scale
    rows = rows if old is None else rows + old
    key = f"{neuron.name}.affine_bias"
    bare = replace(node, params={k: v for k, v in node.params.items() if k != "bias"})
    sunk = replace(neuron, params={**neuron.params, "affine_bias": key})
    return substituted(
        graph, {node.name: (bare,), neuron.name: (sunk,)}, None, {key: rows.astype(np.float32)}
    )


def _held(graph: Graph, neuron: Node, role: str) -> np.ndarray | None:
    key = neuron.params.get(role)
    return None if key is None else graph.params[key].astype(np.float64)
