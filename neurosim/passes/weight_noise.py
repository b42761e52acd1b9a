"""Disturbs weights: w ← w + N(0, 1) · σ · std(w), std that of each weight tensor.

A robustness knob (device mismatch, drift), for synaptic weights: convolutions and linear maps, no
biases, no norms. Each tensor's numbers are drawn by its name, σ and the seed alone; a tensor that
several nodes share is disturbed once. Later passes rename what they fold: apply it to the captured
graph, and every lowering of it meets the same weights. Changes spikes: never a default.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.data.noise import Noise, spread, stream
from neurosim.ir.graph import Graph
from neurosim.passes._weights import weight_nodes

KEEPS = "shapes, sharing, biases, norms; changes spikes"


def weight_noise(graph: Graph, sigma: float, seed: int = 0) -> Graph:
    """``sigma``: relative to the tensor's own standard deviation (n − 1). Raises ClipError: below
    0."""
    noise = Noise("weight", sigma)
    new = {key: _disturbed(graph.params[key], key, noise, seed) for key in weight_nodes(graph)}
    return replace(graph, params={**graph.params, **new})


def _disturbed(weight: np.ndarray, key: str, noise: Noise, seed: int) -> np.ndarray:
    drawn = stream(key, noise, seed).standard_normal(weight.shape)
    return (weight + drawn * (noise.level * spread(weight))).astype(weight.dtype)
