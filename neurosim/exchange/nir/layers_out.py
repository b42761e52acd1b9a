"""Nodes of our graph → NIR's primitives. ``WORDS``: operator → what says it in NIR.

Each function returns (name suffix, primitive) pairs, joined one after the other, and raises
NirError where NIR has no word. Arrays are float32, shapes are written out in full.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.errors import NirError
from neurosim.exchange.nir.neuron_in import metadata_of
from neurosim.exchange.nir.neuron_out import fields_of
from neurosim.exchange.nir.record import OURS, Primitive
from neurosim.ir.graph import Graph, Node
from neurosim.ir.neuron import Neuron

Chain = list[tuple[str, Primitive]]


def chain_of(graph: Graph, node: Node, dt: float) -> Chain:
    """What a node is in NIR. Raises NirError: no word for it, with the reason."""
    if node.op not in WORDS:
        raise NirError("")
    if node.value.steps is None:
        raise NirError("a value without steps")
    if node.attrs.get("per_step"):
        raise NirError("parameters that change from step to step")
    return WORDS[node.op](graph, node, dt)


def _said(**words: Any) -> dict[str, Any]:
    return {OURS: json.dumps(words)}


def _arrays(graph: Graph, node: Node) -> dict[str, np.ndarray]:
    return {role: graph.params[key] for role, key in node.params.items()}


def _shape(graph: Graph, node: Node) -> tuple[int, ...]:
    return graph[node.inputs[0].node].value.shape


def _input(graph: Graph, node: Node, dt: float) -> Chain:
    a = node.attrs
    said = _said(kind=a["kind"], lo=a["lo"], hi=a["hi"])
    return [("", Primitive("Input", {"shape": np.array(node.value.shape)}, said))]


def _neuron(graph: Graph, node: Node, dt: float) -> Chain:
    neuron = Neuron.from_dict(node.attrs["equation"])
    if node.attrs.get("memoryless"):
        raise NirError("a neuron that forgets its state every step")
    if node.attrs.get("emit", "spike") == "v" and neuron.output == "spike":
        raise NirError("the membrane of a neuron that fires")
    arrays = _arrays(graph, node)
    kind, fields = fields_of(neuron, arrays, node.value.shape, dt)
    return [("", Primitive(kind, fields, metadata_of(neuron, arrays, dt)))]


def convolution(
    graph: Graph, node: Node, before: tuple[int, ...], after: tuple[int, ...], shape: Any
) -> Chain:
    """A convolution with so many zeros before and after each axis of ``shape``."""
    a, weight = node.attrs, graph.params[node.params["weight"]]
    n = weight.ndim - 2
    if a["transposed"]:
        raise NirError("transposed")
    if n not in (1, 2):
        raise NirError(f"over {n} axes of space")
    bias = "bias" in node.params
    fields = {
        "input_shape": int(shape[1]) if n == 1 else tuple(int(s) for s in shape[1:]),
        "weight": weight,
        "stride": _counts(a["stride"]),
        "padding": _padding(a, weight.shape[2:], before, after),
        "dilation": _counts(a["dilation"]),
        "groups": int(a["groups"]),
        "bias": graph.params[node.params["bias"]] if bias else np.zeros(len(weight), np.float32),
    }
    own = tuple(int(p) for p in a["padding"])
    said = _said(bias=bias) if own == before == after else _said(bias=bias, own=own)
    return [("", Primitive(f"Conv{n}d", fields, said))]


def _counts(values: Any) -> Any:
    """A number for one axis, (height, width) for two: what NIR's readers expect."""
    found = tuple(int(v) for v in values)
    return found[0] if len(found) == 1 else found


def _padding(a: Any, kernel: Any, before: tuple[int, ...], after: tuple[int, ...]) -> Any:
    if before == after:
        return _counts(before)
    spans = [d * (k - 1) for k, d in zip(kernel, a["dilation"], strict=True)]
    same = all((b, e) == (s // 2, s - s // 2) for b, e, s in zip(before, after, spans, strict=True))
    if same and all(s == 1 for s in a["stride"]):
        return "same"
    raise NirError(f"padded by {before} before and {after} after")


def _convolution(graph: Graph, node: Node, dt: float) -> Chain:
    padding = tuple(node.attrs["padding"])
    return convolution(graph, node, padding, padding, _shape(graph, node))


def _linear(graph: Graph, node: Node, dt: float) -> Chain:
    arrays, shape = _arrays(graph, node), _shape(graph, node)
    if len(shape) != 1:
        raise NirError(f"over the last axis of {shape}")
    return [("", Primitive("Affine" if "bias" in arrays else "Linear", arrays, _said(bias=True)))]


def _pool(graph: Graph, node: Node, dt: float) -> Chain:
    a = node.attrs
    divisor = a.get("divisor") or int(np.prod(a["kernel"]))
    kinds = {1: "SumPool2d", int(np.prod(a["kernel"])): "AvgPool2d"}
    kind = "AvgPool2d" if not a.get("divisor") else kinds.get(divisor)
    wrong = {
        "a maximum": a["mode"] != "average",
        f"over {len(a['kernel'])} axes": len(a["kernel"]) != 2,
        "with ceil_mode": a["ceil_mode"],
        "that leaves the padding out": any(a["padding"]) and not a["count_include_pad"],
        f"divided by {divisor}": kind is None,
    }
    _refuse(wrong)
    fields = {
        "kernel_size": np.array(a["kernel"]),
        "stride": np.array(a["stride"]),
        "padding": np.array(a["padding"]),
    }
    return [("", Primitive(str(kind), fields))]


def _refuse(wrong: dict[str, bool]) -> None:
    said = [word for word, there in wrong.items() if there]
    if said:
        raise NirError(", ".join(said))


def _affine(graph: Graph, node: Node, dt: float) -> Chain:
    arrays = _arrays(graph, node)
    if "bias" in arrays:
        raise NirError("an offset")
    scale = arrays["scale"].astype(np.float64)
    if node.attrs.get("divide"):
        inverse = (1.0 / scale).astype(np.float32).astype(np.float64)
        if not (inverse * scale == 1).all():
            raise NirError("a division by what is no power of two")
        scale = inverse
    if node.value.shape != _shape(graph, node):
        raise NirError("a scale that widens its value")
    full = np.broadcast_to(scale, node.value.shape).astype(np.float32)
    return [("", Primitive("Scale", {"scale": np.ascontiguousarray(full)}))]


def _compare(graph: Graph, node: Node, dt: float) -> Chain:
    relation = node.attrs["relation"]
    if relation not in (">", ">=") or len(node.inputs) != 1:
        raise NirError(f"by {relation} with {len(node.inputs)} operands")
    theta = _arrays(graph, node).get("threshold", node.attrs.get("threshold"))
    shape = _shape(graph, node)
    full = np.broadcast_to(np.asarray(theta, np.float32), shape)
    fields = {"threshold": np.ascontiguousarray(full)}
    return [("", Primitive("Threshold", fields, _said(relation=relation)))]


def _reshape(graph: Graph, node: Node, dt: float) -> Chain:
    shape, wanted = _shape(graph, node), tuple(node.value.shape)
    (edge,) = node.inputs
    if shape == wanted:
        return [("", same(shape) if not edge.delay else delay(shape, edge.delay, dt))]
    rank = len(shape)
    for start in range(rank):
        for end in range(start, rank):
            merged = int(np.prod(shape[start : end + 1]))
            if (*shape[:start], merged, *shape[end + 1 :]) == wanted:
                return [("", flatten(shape, start, end))]
    raise NirError(f"from {shape} to {wanted}, which flattens nothing")


def flatten(shape: tuple[int, ...], start: int, end: int) -> Primitive:
    """Axes ``start`` to ``end`` in one."""
    fields = {"input_type": np.array(shape), "start_dim": start, "end_dim": end}
    return Primitive("Flatten", fields)


def same(shape: tuple[int, ...]) -> Primitive:
    """A node that changes nothing: axis 0 flattened into itself."""
    return flatten(shape, 0, 0)


def delay(shape: tuple[int, ...], steps: int, dt: float) -> Primitive:
    """``steps`` steps for every element."""
    return Primitive("Delay", {"delay": np.full(shape, steps * dt)})


def _reduce(graph: Graph, node: Node, dt: float) -> Chain:
    """A mean or sum over the whole of space: a pool as large, then a Flatten."""
    a, shape = node.attrs, _shape(graph, node)
    if len(shape) != 3 or sorted(a["axes"]) != [1, 2] or a["mode"] not in ("mean", "sum"):
        raise NirError(f"{a['mode']} over axes {list(a['axes'])} of {shape}")
    window = np.array(shape[1:])
    fields = {"kernel_size": window, "stride": window, "padding": np.zeros(2, np.int64)}
    pool = Primitive("AvgPool2d" if a["mode"] == "mean" else "SumPool2d", fields)
    if a["keepdim"]:
        return [("", pool)]
    return [(".pool", pool), ("", flatten((shape[0], 1, 1), 0, 2))]


WORDS: dict[str, Callable[[Graph, Node, float], Chain]] = {
    "input": _input, "neuron": _neuron, "convolution": _convolution, "linear": _linear,
    "pool": _pool, "affine": _affine, "compare": _compare, "reshape": _reshape, "reduce": _reduce,
}  # fmt: skip
