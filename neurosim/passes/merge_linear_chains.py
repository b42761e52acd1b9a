"""Merges chains of linear maps without a neuron between: W₂·(W₁·x + b₁) + b₂ = (W₂·W₁)·x + (W₂·b₁ +
b₂).

Convolutions merge with convolutions and linear maps with linear maps, each the only reader of the
one before, where the pair is one map exactly (``_compose.composable``: one of the two is pointwise,
or the second pads nothing). The merged weights keep the name of the first node. A bias that meets
the zero padding of a later map differs along the border: it becomes an ``affine`` of shape (C, H,
W) under the name of the last node. So SVFormer's 1×1 · depthwise 5×5 · 1×1 on spikes is one 5×5
convolution of spikes, its ``mac`` synaptic operations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.ir.graph import Edge, Graph, Node
from neurosim.passes._compose import Map, composable, compose, of_convolution
from neurosim.passes._rewrite import array, only_reader, substituted

KEEPS = "spikes, outputs; counts anew the maps that it merges, and which neurons their events reach"


@dataclass(frozen=True)
class Merged:
    """The maps merged so far: ``weight`` a Map, or (out, in) of linear maps; ``bias`` (C',
    *spatial) or (out,)."""

    nodes: tuple[Node, ...]
    weight: Map | np.ndarray
    bias: np.ndarray | None


def merge_linear_chains(graph: Graph) -> Graph:
    """Every chain of two maps or more, as far as it goes."""
    for node in graph.nodes:
        if node.name in graph.by_name and _is_map(graph[node.name]):
            chain = _follow(graph, graph[node.name])
            if len(chain.nodes) > 1:
                graph = _replace(graph, chain)
    return graph


def _is_map(node: Node) -> bool:
    return node.op == "linear" or (node.op == "convolution" and not node.attrs["transposed"])


def _follow(graph: Graph, node: Node) -> Merged:
    bias = array(graph, node, "bias")
    if node.op == "linear":
        chain = Merged(
            (node,),
            graph.params[node.params["weight"]].astype(np.float64),
            None if bias is None else bias.astype(np.float64),
        )
    else:
        chain = Merged((node,), of_convolution(graph, node), _spread(bias, node.value.shape))
    while (longer := _extended(graph, chain)) is not None:
        chain = longer
    return chain


def _spread(bias: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    if bias is None:
        return None
    column = bias.astype(np.float64).reshape(-1, *[1] * (len(shape) - 1))
    return np.broadcast_to(column, shape)


def _extended(graph: Graph, chain: Merged) -> Merged | None:
    last = chain.nodes[-1]
    reader = only_reader(graph, last)
    if reader is None or reader.op != last.op or not _is_map(reader):
        return None
    own = array(graph, reader, "bias")
    if isinstance(chain.weight, np.ndarray):
        outer = graph.params[reader.params["weight"]].astype(np.float64)
        carried = None if chain.bias is None else outer @ chain.bias
        return Merged((*chain.nodes, reader), outer @ chain.weight, _sum(carried, own))
    second = of_convolution(graph, reader)
    before = graph[chain.nodes[0].inputs[0].node].value.shape[1:]
    if not composable(chain.weight, second, before, last.value.shape[1:]):
        return None
    carried = None if chain.bias is None else _through(second, chain.bias)
    bias = _sum(carried, _spread(own, reader.value.shape))
    return Merged((*chain.nodes, reader), compose(chain.weight, second), bias)


def _sum(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _through(second: Map, bias: np.ndarray) -> np.ndarray:
    """What the second map makes of a constant that the first adds everywhere: zeros where it
    pads."""
    import torch
    from torch.nn import functional as F

    dense = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(second.stride)]
    out = dense(
        torch.from_numpy(np.array(bias))[None],
        torch.from_numpy(second.weight),
        None,
        second.stride,
        second.padding,
        second.dilation,
        second.groups,
    )
    return out[0].numpy()


def _replace(graph: Graph, chain: Merged) -> Graph:
    first, last = chain.nodes[0], chain.nodes[-1]
    key = "*".join(n.name for n in reversed(chain.nodes)) + ".weight"
    if isinstance(chain.weight, np.ndarray):
        weight, attrs = chain.weight, dict(first.attrs)
    else:
        weight, attrs = chain.weight.weight, chain.weight.attrs()
    params, roles = {key: weight.astype(np.float32)}, {"weight": key}
    merged = replace(first, attrs=attrs, params=roles, type=last.type)
    gone: dict[str, tuple[Node, ...]] = {n.name: () for n in chain.nodes}
    if chain.bias is not None:
        params[f"{key}.bias"] = chain.bias.astype(np.float32)
        if not _constant(chain.bias):
            offset = Node(
                last.name,
                "affine",
                (Edge(first.name),),
                {},
                {"bias": f"{key}.bias"},
                last.type,
                last.facts,
                last.source,
            )
            return substituted(
                graph, gone | {first.name: (merged,), last.name: (offset,)}, None, params
            )
        params[f"{key}.bias"] = params[f"{key}.bias"].reshape(len(chain.bias), -1)[:, 0].copy()
        merged = replace(merged, params={**roles, "bias": f"{key}.bias"})
    return substituted(graph, gone | {first.name: (merged,)}, {last.name: first.name}, params)


def _constant(bias: np.ndarray) -> bool:
    """One number a channel (in the float32 that is stored)."""
    flat = bias.astype(np.float32).reshape(len(bias), -1)
    return bool((flat == flat[:, :1]).all())
