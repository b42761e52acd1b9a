"""Sinks affines (norms per step, scales, offsets) into the neuron they feed: x' = affine_scale[t]·x
+ affine_bias[t].

An affine that feeds several slices is copied to each; one behind a permute or reshape moves below
it when its channel axis stays whole. A neuron that has an affine already composes: s ← s₂·s₁, b ←
s₂·b₁ + b₂.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from neurosim.ir.graph import Edge, Graph, Node
from neurosim.passes._rewrite import free_name, only_reader, read_instead, substituted

KEEPS = "spikes, outputs, synapse, coincidence, neuron_*"


def sink_affine(graph: Graph) -> Graph:
    """Until no affine moves any more."""
    from neurosim.ops import build

    while True:
        found = None
        for node in graph.nodes:
            if node.op == "affine" and node.name not in graph.outputs:
                found = (
                    _into_neuron(graph, node)
                    or _below_slices(graph, node)
                    or _below_movement(graph, node)
                )
                if found is not None:
                    break
        if found is None:
            return graph
        graph = build(found)


def rows(graph: Graph, node: Node, role: str) -> np.ndarray | None:
    """A constant of an affine as (1 or steps, *broadcastable), a division as its reciprocal."""
    key = node.params.get(role)
    if key is None:
        return None
    value = graph.params[key].astype(np.float64)
    if role == "scale" and node.attrs.get("divide"):
        value = 1.0 / value
    value = value if node.attrs.get("per_step") else value[None]
    return value.reshape(
        len(value), *[1] * (len(node.value.shape) - value.ndim + 1), *value.shape[1:]
    )


def _into_neuron(graph: Graph, node: Node) -> Graph | None:
    neuron = only_reader(graph, node)
    if (
        neuron is None
        or neuron.op != "neuron"
        or not _same_shape(graph, node)
        or node.inputs[0].delay
    ):
        return None
    scale, bias = rows(graph, node, "scale"), rows(graph, node, "bias")
    for role, old in (("affine_scale", "scale"), ("affine_bias", "bias")):
        key = neuron.params.get(role)
        if key is None:
            continue
        value = graph.params[key].astype(np.float64)
        if old == "scale":
            scale = value if scale is None else scale * value
            bias = None if bias is None else bias * value
        else:
            bias = value if bias is None else bias + value
    new = {"affine_scale": scale, "affine_bias": bias}
    stored = {f"{neuron.name}.{k}": v.astype(np.float32) for k, v in new.items() if v is not None}
    roles = {k: f"{neuron.name}.{k}" for k, v in new.items() if v is not None}
    sunk = replace(neuron, params={**neuron.params, **roles})
    return substituted(
        graph, {neuron.name: (sunk,), node.name: ()}, {node.name: node.inputs[0].node}, stored
    )


def _below_slices(graph: Graph, node: Node) -> Graph | None:
    readers = graph.consumers[node.name]
    if not readers or not _same_shape(graph, node) or not _sliced(graph, readers):
        return None
    if (
        sum(r.value.size for r in readers) > node.value.size
    ):  # slices that overlap would repeat its arithmetic
        return None
    new: dict[str, tuple[Node, ...]] = {node.name: ()}
    below: dict[str, str] = {}
    params: dict[str, np.ndarray] = {}
    for reader in readers:
        bare = replace(reader, inputs=node.inputs)
        below[reader.name] = free_name(graph, f"{reader.name}.affine")
        after = replace(
            node, name=below[reader.name], inputs=(Edge(reader.name),), params={}, type=reader.type
        )
        cut = {}
        for role in node.params:
            value = rows(graph, node, role)
            assert value is not None
            key = f"{after.name}.{role}"
            params[key] = _cut(value, reader).astype(np.float32)
            cut[role] = key
        attrs = {"per_step": True} if node.attrs.get("per_step") else {}
        if not attrs:
            params |= {k: params[k][0] for k in cut.values()}
        new[reader.name] = (bare, replace(after, attrs=attrs, params=cut))
    graph = substituted(graph, new, None, params)
    for slice_, affine in below.items():
        graph = read_instead(graph, slice_, affine)
    return graph


def _same_shape(graph: Graph, node: Node) -> bool:
    return node.value.shape == graph[node.inputs[0].node].value.shape


def _sliced(graph: Graph, readers: tuple[Node, ...]) -> bool:
    """Whether all of them cut out a part, in this step, for a neuron."""
    return all(
        r.op == "slice" and not r.inputs[0].delay and _feeds_neuron(graph, r) for r in readers
    )


def _cut(value: np.ndarray, reader: Node) -> np.ndarray:
    axis, a = reader.attrs["axis"] + 1, reader.attrs
    if value.shape[axis] == 1:
        return value
    return value[(slice(None),) * axis + (slice(a["start"], a["stop"], a["step"]),)]


def _feeds_neuron(graph: Graph, node: Node) -> bool:
    """Whether the only reader, after movement that an affine can pass, is a neuron."""
    reader = only_reader(graph, node)
    if reader is None:
        return False
    if reader.op == "neuron":
        return True
    return reader.op in ("reshape", "permute") and _feeds_neuron(graph, reader)


def _below_movement(graph: Graph, node: Node) -> Graph | None:
    move = only_reader(graph, node)
    if move is None or move.op not in ("reshape", "permute") or not _feeds_neuron(graph, move):
        return None
    if not _same_shape(graph, node) or node.inputs[0].delay:
        return None
    params: dict[str, np.ndarray] = {}
    for role in node.params:
        value = rows(graph, node, role)
        moved = None if value is None else _moved(value, node.value.shape, move)
        if moved is None:
            return None
        params[f"{node.name}.{role}.moved"] = moved.astype(np.float32)
    per_step = bool(node.attrs.get("per_step"))
    params = {k: v if per_step else v[0] for k, v in params.items()}
    up = replace(move, inputs=node.inputs)
    down = replace(
        node,
        inputs=(Edge(move.name),),
        attrs={"per_step": True} if per_step else {},
        params={r: f"{node.name}.{r}.moved" for r in node.params},
    )
    graph = substituted(graph, {node.name: (), move.name: (up, down)}, None, params)
    return read_instead(graph, move.name, node.name)


def _moved(value: np.ndarray, shape: tuple[int, ...], move: Node) -> np.ndarray | None:
    """A broadcastable constant moved as the value is; None when it would have to be written out in
    full."""
    if move.op == "permute":
        return value.transpose(0, *(i + 1 for i in move.attrs["order"]))
    if value[0].size == 1:
        return value.reshape(len(value), *[1] * len(move.attrs["shape"]))
    varying = [i for i, n in enumerate(value.shape[1:]) if n > 1]
    target = tuple(move.attrs["shape"])
    out, done = [1] * len(target), 0
    for axis in varying:
        lead = math.prod(shape[:axis])
        place = next(
            (
                j
                for j in range(len(target))
                if math.prod(target[:j]) == lead and target[j] == shape[axis]
            ),
            None,
        )
        if place is None:
            return _split(value, shape, target) if len(varying) == 1 else None
        out[place], done = target[place], done + 1
    return value.reshape(len(value), *out)


def _split(value: np.ndarray, shape: tuple[int, ...], target: tuple[int, ...]) -> np.ndarray | None:
    """A single varying axis that the reshape splits into consecutive ones."""
    axis = next(i for i, n in enumerate(value.shape[1:]) if n > 1)
    lead, size = math.prod(shape[:axis]), shape[axis]
    for i in range(len(target)):
        for j in range(i + 1, len(target) + 1):
            if math.prod(target[:i]) == lead and math.prod(target[i:j]) == size:
                return value.reshape(len(value), *[1] * i, *target[i:j], *[1] * (len(target) - j))
    return None
