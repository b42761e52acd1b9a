"""Puts weights, biases and norm coefficients on a grid, so that float32 sums are exact in any order.

Every weight becomes a multiple of a power of two g with Σ|w|·max|payload| + |b| < 2^24·g per output (counting rules,
section 1.2); scales become powers of two. Changes spikes: a tool for tests of exactness, never a default.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.graph import Graph, Node
from neurosim.passes._rewrite import substituted

KEEPS = "shapes and counts of silence; changes spikes"
_WEIGHTS = ("convolution", "temporal_convolution", "linear")


def snap_weights(graph: Graph, bits: int = 8) -> Graph:
    """At most ``bits`` bits of magnitude per weight; fewer where the sum needs it. Raises GraphError when none fit."""
    for node in graph.nodes:
        if node.op in _WEIGHTS:
            graph = _snap_node(graph, graph[node.name], bits)
        elif node.op in ("affine", "batch_norm"):
            graph = _snap_affine(graph, graph[node.name])
        elif node.op == "neuron":
            graph = _snap_affine(graph, graph[node.name])
    return graph


def _snap_node(graph: Graph, node: Node, bits: int) -> Graph:
    weight, operand = graph.params[node.params["weight"]].astype(np.float64), graph[node.inputs[0].node].value
    payload = max(abs(operand.lo), abs(operand.hi), 1) if operand.discrete else 1
    for tried in range(bits, 0, -1):
        grid = _grid(weight, tried)
        snapped = np.round(weight / grid) * grid
        bias = _bias(graph, node, grid)
        total = payload * _sums(node, snapped) + (0 if bias is None else np.abs(bias).max())
        if float(np.max(total)) < 2**24 * grid:
            break
    else:
        raise GraphError(f"at {node.name!r}: no grid makes its sums exact (payload up to {payload}); clip the payload")
    key = f"{node.name}.weight.snapped"
    params, roles = {key: snapped.astype(np.float32)}, {**node.params, "weight": key}
    if bias is not None:
        params[f"{key}.bias"] = bias.astype(np.float32)
        roles["bias"] = f"{key}.bias"
    return substituted(graph, {node.name: (replace(node, params=roles),)}, None, params)


def _grid(weight: np.ndarray, bits: int) -> float:
    largest = float(np.abs(weight).max()) or 1.0
    return 2.0 ** (np.ceil(np.log2(largest)) - bits)


def _sums(node: Node, weight: np.ndarray) -> np.ndarray:
    if node.attrs.get("transposed"):
        return np.abs(weight).sum(axis=(0, *range(2, weight.ndim)))
    return np.abs(weight).reshape(len(weight), -1).sum(axis=1)


def _bias(graph: Graph, node: Node, grid: float) -> np.ndarray | None:
    key = node.params.get("bias")
    return None if key is None else np.round(graph.params[key].astype(np.float64) / grid) * grid


def _snap_affine(graph: Graph, node: Node) -> Graph:
    params, roles = {}, dict(node.params)
    for role, key in node.params.items():
        value = graph.params[key].astype(np.float64)
        snapped = _snap_role(role, value, node)
        if snapped is not None:
            roles[role] = f"{node.name}.{role}.snapped"
            params[roles[role]] = snapped.astype(np.float32)
    attrs = {**node.attrs, "eps": 0.0} if node.op == "batch_norm" else node.attrs
    return substituted(graph, {node.name: (replace(node, params=roles, attrs=attrs),)}, None, params)


def _snap_role(role: str, value: np.ndarray, node: Node) -> np.ndarray | None:
    if role in ("scale", "affine_scale", "weight"):
        return power_of_two(value)
    if role == "var":
        return 4.0 ** np.round(np.log2(value + node.attrs["eps"]) / 2)
    if role in ("bias", "affine_bias", "mean"):
        return np.round(value * 256) / 256
    return None


def power_of_two(value: np.ndarray) -> np.ndarray:
    """Nearest power of two with the same sign; 0 stays 0."""
    magnitude = np.abs(value)
    exponent = np.round(np.log2(np.where(magnitude > 0, magnitude, 1.0)))
    return np.where(magnitude > 0, np.sign(value) * 2.0**exponent, 0.0)
