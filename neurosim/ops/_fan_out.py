"""The fan-out of every element of a weight node's input, as a map (counting rules, section 3).

SynOps = Σ over active elements of the map: linear in the spikes, so it has a gradient where spikes
have one (``neurosim.train.penalty``).
"""

from __future__ import annotations

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.graph import Node
from neurosim.ops.convolution import axis_maps
from neurosim.ops.temporal_convolution import time_maps


def fan_out_map(
    node: Node, steps: int, in_shape: tuple[int, ...], weight: tuple[int, ...]
) -> np.ndarray:
    """int64 (T or 1, 1 or C, *spatial), broadcastable to one sample's input (T, *in_shape).

    ``node``: a built node of linear, convolution or temporal_convolution; ``weight``: the shape of
    its weight. Raises GraphError: another operator.
    """
    out = node.value.shape
    if node.op == "linear":
        return np.full((1,) * (1 + len(in_shape)), weight[0], np.int64)
    if node.op == "convolution":
        maps = [
            np.ones(1, np.int64),
            *axis_maps(dict(node.attrs), in_shape[1:], out[1:], weight[2:]),
        ]
    elif node.op == "temporal_convolution":
        after = (node.value.steps or 1, *out[1:])
        maps = time_maps(dict(node.attrs), weight[2:], (steps, *in_shape[1:]), after)
    else:
        raise GraphError(f"at {node.name!r} ({node.op}): has no fan-out map; give a weight node")
    spread = np.array(out[0] // node.attrs["groups"], np.int64)
    for axis in maps:
        spread = spread[..., None] * axis
    return spread[:, None]
