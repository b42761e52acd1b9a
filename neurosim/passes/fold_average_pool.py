"""Folds average pools into the weights that alone read them: W·(P·x) = (W·P)·x.

Into a convolution where the pair is one convolution exactly (``_compose.composable``: the
convolution pads nothing, or the windows lie side by side and cover the input), and into a linear
map behind a flatten always. The events of the pool's input then drive the weights themselves: that
node is counted anew (counting rules, section 1), so the pass is no part of the default pipeline and
the manifest names it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from neurosim.ir.graph import Graph, Node
from neurosim.passes._compose import Map, composable, compose, of_average_pool, of_convolution
from neurosim.passes._rewrite import only_reader, substituted

KEEPS = "spikes, outputs; counts anew the weights it folds into and the neurons their events reach"


def fold_average_pool(graph: Graph) -> Graph:
    """Every average pool with a constant divisor, the last first (a pool may follow a pool)."""
    for node in reversed(graph.nodes):
        if node.op == "pool" and _constant_divisor(node) and not node.inputs[0].delay:
            graph = _fold(graph, graph[node.name])
    return graph


def _constant_divisor(node: Node) -> bool:
    a = node.attrs
    if a["mode"] != "average" or a["ceil_mode"]:
        return False
    return bool(a.get("divisor")) or bool(a["count_include_pad"]) or not any(a["padding"])


def _fold(graph: Graph, pool: Node) -> Graph:
    reader = only_reader(graph, pool)
    if reader is None:
        return graph
    if reader.op == "convolution" and not reader.attrs["transposed"]:
        return _into_convolution(graph, pool, reader)
    if reader.op == "reshape" and tuple(reader.attrs["shape"]) == (pool.value.size,):
        below = only_reader(graph, reader)
        if below is not None and below.op == "linear":
            return _into_linear(graph, pool, reader, below)
    return graph


def _into_convolution(graph: Graph, pool: Node, reader: Node) -> Graph:
    before = graph[pool.inputs[0].node].value.shape
    first, second = of_average_pool(pool, before[0]), of_convolution(graph, reader)
    if not composable(first, second, before[1:], pool.value.shape[1:]):
        return graph
    both = compose(first, second)
    key = f"{reader.name}.weight*{pool.name}"
    folded = replace(reader, attrs=both.attrs(), params={**reader.params, "weight": key})
    return _without(graph, pool, {reader.name: (folded,)}, {key: both.weight.astype(np.float32)})


def _into_linear(graph: Graph, pool: Node, flat: Node, linear: Node) -> Graph:
    before = graph[pool.inputs[0].node].value.shape
    weight = graph.params[linear.params["weight"]].astype(np.float64)
    spread = _adjoint(
        weight.reshape(len(weight), *pool.value.shape), of_average_pool(pool, before[0]), before
    )
    key = f"{linear.name}.weight*{pool.name}"
    wider = replace(flat, attrs={**flat.attrs, "shape": (math.prod(before),)})
    folded = replace(linear, params={**linear.params, "weight": key})
    new = {flat.name: (wider,), linear.name: (folded,)}
    return _without(graph, pool, new, {key: spread.reshape(len(weight), -1).astype(np.float32)})


def _adjoint(weight: np.ndarray, pool: Map, before: tuple[int, ...]) -> np.ndarray:
    """Each window's weight (out, C, *windows) on every element of the window: (out, C, *before)."""
    span = [
        max(p + n, (w - 1) * s + k)
        for p, n, w, s, k in zip(
            pool.padding, before[1:], weight.shape[2:], pool.stride, pool.kernel, strict=True
        )
    ]
    out = np.zeros((*weight.shape[:2], *span))
    share = float(pool.weight.flat[0])
    for tap in np.ndindex(*pool.kernel):
        at = tuple(
            slice(t, t + (w - 1) * s + 1, s)
            for t, w, s in zip(tap, weight.shape[2:], pool.stride, strict=True)
        )
        out[(slice(None), slice(None), *at)] += weight * share
    inside = tuple(slice(p, p + n) for p, n in zip(pool.padding, before[1:], strict=True))
    return out[(slice(None), slice(None), *inside)]


def _without(
    graph: Graph, pool: Node, new: dict[str, tuple[Node, ...]], params: dict[str, np.ndarray]
) -> Graph:
    return substituted(graph, {pool.name: (), **new}, {pool.name: pool.inputs[0].node}, params)
