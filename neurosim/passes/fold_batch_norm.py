"""Folds batch norms in eval: α = weight / √(var + eps), β = bias − mean·α.

Into the weights of the node that feeds it (W ← α·W, b ← α·b + β) when the norm is its only reader
and the same for every step; a shared weight is un-shared first. A norm per step becomes an affine
per step and channel, never copies of the weights; the bias of the weights below moves into it. Any
other norm becomes an affine.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.ir.graph import Graph, Node
from neurosim.passes._rewrite import array, only_reader, substituted

KEEPS = "spikes, outputs, synapse, coincidence, neuron_*"
_WEIGHTS = ("convolution", "temporal_convolution", "linear")


def fold_batch_norm(graph: Graph) -> Graph:
    """Every batch norm, one after the other."""
    for node in graph.nodes:
        if node.op == "batch_norm":
            graph = _fold(graph, graph[node.name])
    return graph


def _fold(graph: Graph, norm: Node) -> Graph:
    scale, shift = coefficients(graph, norm)
    source = graph[norm.inputs[0].node]
    below = source.op in _WEIGHTS and only_reader(graph, source) is norm
    if below and _channel_axis(graph, source) == norm.attrs["axis"]:
        if not norm.attrs.get("per_step"):
            return _into_weights(graph, source, norm, scale[0], shift[0])
        return _as_affine(*_bias_up(graph, source, norm, scale, shift))
    return _as_affine(graph, norm, scale, shift)


def coefficients(graph: Graph, norm: Node) -> tuple[np.ndarray, np.ndarray]:
    """(α, β), float64 (rows, C)."""
    mean, var = (np.asarray(array(graph, norm, r), np.float64) for r in ("mean", "var"))
    weight, bias = array(graph, norm, "weight"), array(graph, norm, "bias")
    scale = (1.0 if weight is None else weight.astype(np.float64)) / np.sqrt(
        var + norm.attrs["eps"]
    )
    return scale, (0.0 if bias is None else bias.astype(np.float64)) - mean * scale


def _channel_axis(graph: Graph, source: Node) -> int:
    return len(source.value.shape) - 1 if source.op == "linear" else 0


def _into_weights(
    graph: Graph, source: Node, norm: Node, scale: np.ndarray, shift: np.ndarray
) -> Graph:
    weight = graph.params[source.params["weight"]]
    bias = array(graph, source, "bias")
    key = f"{source.name}.weight*{norm.name}"
    params = {
        key: scaled_outputs(source, weight, scale),
        f"{key}.bias": (shift + (0.0 if bias is None else bias * scale)).astype(np.float32),
    }
    folded = replace(source, params={**source.params, "weight": key, "bias": f"{key}.bias"})
    return substituted(
        graph, {source.name: (folded,), norm.name: ()}, {norm.name: source.name}, params
    )


def scaled_outputs(source: Node, weight: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Weights with every output channel times ``scale``."""
    if source.attrs.get("transposed"):
        groups = source.attrs["groups"]
        by_group = scale.reshape(groups, 1, -1, *[1] * (weight.ndim - 2))
        split = weight.reshape(groups, -1, *weight.shape[1:])
        return (split * by_group).reshape(weight.shape).astype(np.float32)
    return (weight * scale.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.float32)


def _bias_up(
    graph: Graph, source: Node, norm: Node, scale: np.ndarray, shift: np.ndarray
) -> tuple[Graph, Node, np.ndarray, np.ndarray]:
    bias = array(graph, source, "bias")
    if bias is None:
        return graph, norm, scale, shift
    bare = replace(source, params={k: v for k, v in source.params.items() if k != "bias"})
    return (
        substituted(graph, {source.name: (bare,)}),
        norm,
        scale,
        shift + bias.astype(np.float64) * scale,
    )


def _as_affine(graph: Graph, norm: Node, scale: np.ndarray, shift: np.ndarray) -> Graph:
    axis, rank = norm.attrs["axis"], len(norm.value.shape)
    rest = [1] * (rank - axis - 1)
    per_step = bool(norm.attrs.get("per_step"))
    lead = (len(scale),) if per_step else ()
    shape = (*lead, *[1] * axis, scale.shape[1], *rest)
    params = {f"{norm.name}.scale": scale, f"{norm.name}.shift": shift}
    stored = {k: v.reshape(shape).astype(np.float32) for k, v in params.items()}
    affine = replace(
        norm,
        op="affine",
        attrs={"per_step": True} if per_step else {},
        params={"scale": f"{norm.name}.scale", "bias": f"{norm.name}.shift"},
    )
    return substituted(graph, {norm.name: (affine,)}, None, stored)
