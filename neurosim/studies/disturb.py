"""Noise that lies in the model: Graph → Graph, before lowering."""

from __future__ import annotations

from neurosim import passes
from neurosim.data.noise import Noise
from neurosim.ir.graph import Graph


def disturbed(graph: Graph, noise: Noise, seed: int) -> Graph:
    """The graph with ``weight`` noise or ``bits`` of rounding in its weights."""
    if noise.kind == "weight":
        return passes.apply(graph, "weight_noise", sigma=noise.level, seed=seed)
    if noise.kind == "bits":
        return passes.apply(graph, "round_weights", bits=int(noise.level))
    return graph
