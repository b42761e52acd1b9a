"""Rounds weights to n bits: w ← s · round(w/s), s = max|w| / (2^(n−1) − 1) per output channel.

Symmetric and uniform, ties to even, 0 stays 0; a channel of zeros stays. A robustness knob: the
rounded weights are still stored and counted as the floats they are, and nothing but weights of
convolutions and linear maps is rounded. A chip's own fixed point (its weight formats, shared
exponents, membrane widths) is not this. A tensor that several nodes share is rounded once, in the
channels of the first. Changes spikes: never a default.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.data.noise import Noise
from neurosim.ir.graph import Graph, Node
from neurosim.passes._weights import weight_nodes

KEEPS = "shapes, sharing, biases, norms, weights that are 0; changes spikes"


def round_weights(graph: Graph, bits: int) -> Graph:
    """``bits``: 2 or more, the sign included. Raises ClipError: fewer, or no whole number."""
    most = 2.0 ** (Noise("bits", bits).level - 1) - 1
    new = {k: _rounded(graph.params[k], node, most) for k, node in weight_nodes(graph).items()}
    return replace(graph, params={**graph.params, **new})


def _rounded(weight: np.ndarray, node: Node, most: float) -> np.ndarray:
    split = _by_channel(weight.astype(np.float64), node)
    scale = np.abs(split).max(axis=1, keepdims=True) / most
    scale[scale == 0] = 1.0
    return _stored(np.rint(split / scale) * scale, weight.shape, node).astype(weight.dtype)


def _by_channel(weight: np.ndarray, node: Node) -> np.ndarray:
    """(output channels, weights of one): transposed weights are (C_in, C_out/groups, *k)."""
    if not node.attrs.get("transposed"):
        return weight.reshape(len(weight), -1)
    groups = node.attrs["groups"]
    split = weight.reshape(groups, len(weight) // groups, *weight.shape[1:]).swapaxes(1, 2)
    return split.reshape(groups * weight.shape[1], -1)


def _stored(split: np.ndarray, shape: tuple[int, ...], node: Node) -> np.ndarray:
    """Inverse of ``_by_channel``."""
    if not node.attrs.get("transposed"):
        return split.reshape(shape)
    groups = node.attrs["groups"]
    whole = split.reshape(groups, shape[1], shape[0] // groups, *shape[2:])
    return whole.swapaxes(1, 2).reshape(shape)
