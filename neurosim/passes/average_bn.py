"""Gives every batch norm per step one set of statistics: the means over the steps of μ, σ², γ, β.

For chips that hold one scale and one bias a channel and not one a step. A norm averaged so folds
into the weights below it; the differences between steps are lost, so accuracy is too. Changes
spikes: never a default. Apply it to the captured graph, before norms are folded.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.ir.graph import Graph, Node
from neurosim.passes._rewrite import array, substituted

KEEPS = "shapes, weights, norms that are the same at every step; changes spikes"
_ROLES = ("mean", "var", "weight", "bias")


def average_bn(graph: Graph) -> Graph:
    """Every batch norm per step; others stay as they are."""
    params: dict[str, np.ndarray] = {}
    new: dict[str, tuple[Node, ...]] = {}
    for node in graph.nodes:
        if node.op == "batch_norm" and node.attrs.get("per_step"):
            new[node.name] = (_averaged(graph, node, params),)
    return substituted(graph, new, None, params)


def _averaged(graph: Graph, node: Node, params: dict[str, np.ndarray]) -> Node:
    roles = dict(node.params)
    for role in _ROLES:
        rows = array(graph, node, role)
        if rows is not None:
            roles[role] = f"{node.name}.{role}.averaged"
            mean = rows.astype(np.float64).mean(axis=0, keepdims=True)
            params[roles[role]] = mean.astype(np.float32)
    return replace(node, params=roles, attrs={**node.attrs, "per_step": False})
