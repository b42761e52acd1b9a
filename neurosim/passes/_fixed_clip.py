"""A real clip in front of a chip: whole pixels, whole weights, whole currents, all on the host."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.passes._linear_region import WEIGHTS
from neurosim.passes._rewrite import free_name, read_instead, substituted

MOST_WEIGHT = 127  # with 8-bit pixels, sums over 1,040 of them stay below 2^24
UNSET = 2.0**24  # of a current whose scale and bound are not found yet


def convert_clip(graph: Graph, bits: int, bound: float) -> Graph:
    """The graph with ``to_integers`` behind every real clip, and behind the layers that read it.

    A current's node says with its ``scale`` how much a unit of the real value is in the whole
    numbers that it reads; ``find_scales`` multiplies that by the scale of what it drives.
    """
    from neurosim.ops import build

    for clip in graph.inputs:
        if not clip.value.discrete and graph.consumers[clip.name]:
            graph = build(_converted(graph, clip, bits, bound))
    return graph


def _converted(graph: Graph, clip: Node, bits: int, bound: float) -> Graph:
    most = 2 ** (bits - 1) - 1
    name = free_name(graph, f"{clip.name}.integers")
    attrs = {"scale": most / bound, "lo": -most, "hi": most}
    made = Node(name, "to_integers", (Edge(clip.name),), attrs)
    readers = [r.name for r in graph.consumers[clip.name]]
    graph = read_instead(substituted(graph, {clip.name: (clip, made)}), clip.name, name)
    for reader in dict.fromkeys(readers):
        if graph[reader].op in WEIGHTS:
            graph = _host_layer(graph, graph[reader], bound / most, most)
    return graph


def _host_layer(graph: Graph, node: Node, pixel: float, most: int) -> Graph:
    """Weights as whole numbers, and the currents that come of them; a bias stays behind none."""
    weight = graph.params[node.params["weight"]].astype(np.float64)
    step = float(np.abs(weight).max(initial=0.0)) / MOST_WEIGHT or 1.0
    if node.known.fan_in * MOST_WEIGHT * most >= UNSET:
        raise GraphError(
            f"at {node.name!r}: sums of {node.known.fan_in} pixels of {most} times weights of "
            f"{MOST_WEIGHT} pass 2^24; give fewer clip_bits"
        )
    key, name = f"{node.name}.weight.fixed", free_name(graph, f"{node.name}.integers")
    params = {key: np.rint(weight / step).astype(np.float32)}
    roles = {**node.params, "weight": key}
    if "bias" in roles:  # of a layer that not only neurons read
        roles["bias"] = f"{key}.bias"
        own = graph.params[node.params["bias"]].astype(np.float64)
        params[roles["bias"]] = np.rint(own / (step * pixel)).astype(np.float32)
    layer = replace(node, params=roles, attrs={**node.attrs, "host": True})
    attrs = {"scale": step * pixel, "lo": -UNSET, "hi": UNSET}
    current = Node(name, "to_integers", (Edge(node.name),), attrs)
    graph = substituted(graph, {node.name: (layer, current)}, None, params)
    return read_instead(graph, node.name, name)
