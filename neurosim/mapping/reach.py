"""Which outputs a layer's inputs reach: sparse maps from cells of inputs to places of outputs.

A *cell* is a set of inputs of a layer that reach the same outputs: all channels of a group at one
position of a convolution, all features of a row of a linear layer. What is known of a cell holds
for each neuron in it, so maps stay small however many channels a layer has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from neurosim.ir.graph import Node
from neurosim.mapping.sparse import Sparse, csr, identity, ones_at, product


@dataclass(frozen=True, eq=False)
class Reach:
    """``cell``: int32, of each input element. ``place``: int32, of each output element; outputs of
    one place are reached by the same cells. ``taps``: (cells, places) synapses of each pair.
    ``channel``: int32, the output channel of each output element. ``shared``: one set of weights
    serves many places. ``zeros``: synapses of weight 0 are among them.
    """

    cell: np.ndarray
    place: np.ndarray
    taps: Sparse
    channel: np.ndarray
    weights_per_channel: int
    shared: bool
    zeros: bool = True


def reach_of(node: Node, params: Mapping[str, np.ndarray], encoding: str) -> Reach:
    """Of a node that holds weights, stored in ``encoding``: lists leave zeros out."""
    if node.op in ("convolution", "temporal_convolution"):
        return _convolution(node)
    if node.op == "linear":
        listed = encoding == "sparse" and len(node.known.in_shapes[0]) == 1
        return _list(node, params[node.params["weight"]]) if listed else _linear(node)
    return _everything(node)


def _list(node: Node, weight: np.ndarray) -> Reach:
    """Every input a cell of its own, every output a place: the synapses that are not 0."""
    outputs, inputs = weight.shape
    taps = csr((weight != 0).T.astype(np.int64))
    cell, place = np.arange(inputs, dtype=np.int32), np.arange(outputs, dtype=np.int32)
    return Reach(cell, place, taps, place, inputs, False, zeros=False)


def _linear(node: Node) -> Reach:
    """out[row, o] reads every x[row, i]."""
    facts = node.known
    features, outputs = facts.in_shapes[0][-1], facts.out_shape[-1]
    rows = math.prod(facts.in_shapes[0][:-1])
    cell = np.repeat(np.arange(rows, dtype=np.int32), features)
    place = np.repeat(np.arange(rows, dtype=np.int32), outputs)
    channel = np.tile(np.arange(outputs, dtype=np.int32), rows)
    taps = identity(rows)
    return Reach(cell, place, taps, channel, features, rows > 1)


def _everything(node: Node) -> Reach:
    """Nothing known of the operator: every output reads every input."""
    inputs, outputs = math.prod(node.known.in_shapes[0]), math.prod(node.known.out_shape)
    one = csr(np.ones((1, 1), np.int64))
    channel = np.arange(outputs, dtype=np.int32)
    return Reach(
        np.zeros(inputs, np.int32), np.zeros(outputs, np.int32), one, channel, inputs, False
    )


def _convolution(node: Node) -> Reach:
    """Cells and places are (group, position); groups do not meet."""
    facts, attrs = node.known, node.attrs
    shape = facts.geometry
    if shape is None:
        return _everything(node)
    groups, skip = shape.groups, len(shape.kernel) - len(facts.out_shape[1:])
    matrices = [
        _axis(
            facts.in_shapes[0][axis + 1], facts.out_shape[axis + 1], shape.kernel[axis + skip],
            shape.stride[axis + skip], attrs["padding"][axis + skip], shape.dilation[axis + skip],
            shape.transposed,
        )
        for axis in range(len(facts.out_shape) - 1)
    ]  # fmt: skip
    times = math.prod(shape.kernel[:skip])  # a kernel over the steps: a synapse a delay
    space = reduce(product, matrices, csr(np.full((1, 1), times, np.int64)))
    taps = product(identity(groups), space)
    cell = _grouped(facts.in_shapes[0], groups)
    place = _grouped(facts.out_shape, groups)
    positions = math.prod(facts.out_shape[1:])
    channel = np.repeat(np.arange(facts.out_shape[0], dtype=np.int32), positions)
    each = math.prod(shape.kernel) * shape.channels_in // max(1, groups)
    return Reach(cell, place, taps, channel, each, positions > 1)


def _grouped(shape: tuple[int, ...], groups: int) -> np.ndarray:
    """group × positions + position of each element of (channels, *spatial)."""
    positions = math.prod(shape[1:])
    group = np.arange(shape[0]) // max(1, shape[0] // max(1, groups))
    return (group[:, None] * positions + np.arange(positions)[None, :]).astype(np.int32).ravel()


def _axis(
    inputs: int, outputs: int, kernel: int, stride: int, padding: int, dilation: int, back: bool
) -> Sparse:
    """(inputs, outputs): taps of one axis between each pair of places."""
    if back:  # a transposed convolution is the adjoint of a plain one
        plain = _axis(outputs, inputs, kernel, stride, padding, dilation, False)
        return csr(plain.T)
    out = np.repeat(np.arange(outputs), kernel)
    source = out * stride - padding + np.tile(np.arange(kernel), outputs) * dilation
    inside = (source >= 0) & (source < inputs)
    return ones_at(source[inside], out[inside], (inputs, outputs), np.int64)
