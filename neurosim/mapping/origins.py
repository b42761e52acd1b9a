"""Where the elements of a value come from: index arrays carried back through movement, element-wise
arithmetic and pools to the node that made them (a neuron, the clip, or a node with weights).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.ir.graph import Graph, Node

MAKERS = ("neuron", "input", "weights", "product", "opaque")
_PAD = {"circular": "wrap", "reflect": "reflect", "replicate": "edge"}


@dataclass(frozen=True, eq=False)
class Origin:
    """Element e of the value is element ``index[e]`` of ``source``, ``delay`` steps ago; -1: of
    nothing.
    """

    source: str
    index: np.ndarray  # int32 (elements,)
    delay: int = 0


@dataclass
class Origins:
    """Origins of every value of a graph, each worked out once. ``guesses``: nodes whose movement is
    not known here; their elements were taken to keep their order.
    """

    graph: Graph
    guesses: list[str] = field(default_factory=list[str])
    _known: dict[str, tuple[Origin, ...]] = field(default_factory=dict[str, tuple[Origin, ...]])

    def of_operand(self, node: Node, position: int = 0) -> tuple[Origin, ...]:
        """Origins of an operand, the delay of its edge included."""
        edge = node.inputs[position]
        found = self.of(edge.node)
        return tuple(replace(o, delay=o.delay + edge.delay) for o in found) if edge.delay else found

    def of(self, name: str) -> tuple[Origin, ...]:
        """Origins of a node's value."""
        if name not in self._known:
            self._known[name] = ()  # cuts delayed cycles of plain arithmetic
            self._known[name] = self._work_out(self.graph[name])
        return self._known[name]

    def _work_out(self, node: Node) -> tuple[Origin, ...]:
        if node.known.role in MAKERS or not node.inputs:
            return (Origin(node.name, np.arange(_size(node), dtype=np.int32)),)
        if node.op == "concat":
            return self._concat(node)
        found: list[Origin] = []
        for position in range(len(node.inputs)):
            for origin in self.of_operand(node, position):
                moved = self._moved(node, position, origin.index)
                found += [replace(origin, index=m) for m in moved]
        return tuple(found)

    def _concat(self, node: Node) -> tuple[Origin, ...]:
        axis, shape, start = int(node.attrs["axis"]), node.known.out_shape, 0
        found: list[Origin] = []
        for position, operand in enumerate(node.known.in_shapes):
            place = (slice(None),) * axis + (slice(start, start + operand[axis]),)
            start += operand[axis]
            for origin in self.of_operand(node, position):
                index = np.full(shape, -1, np.int32)
                index[place] = origin.index.reshape(operand)
                found.append(replace(origin, index=index.ravel()))
        return tuple(found)

    def _moved(self, node: Node, position: int, index: np.ndarray) -> list[np.ndarray]:
        """The index array after the node: one for each element that a result can come from."""
        shape, out = node.known.in_shapes[position], node.known.out_shape
        move = MOVES.get(node.op)
        if move is not None:
            return [m.ravel() for m in move(node, index.reshape(shape), self.graph.params)]
        if shape == out:
            return [index]
        if node.known.role == "arithmetic" and len(node.inputs) > 1:
            return [np.broadcast_to(index.reshape(shape), out).ravel()]
        self.guesses.append(node.name)
        order = np.arange(_size(node), dtype=np.int64) * max(1, len(index)) // max(1, _size(node))
        return [index[order]]


def _size(node: Node) -> int:
    return math.prod(node.known.out_shape)


Params = Mapping[str, np.ndarray]
Move = Callable[[Node, np.ndarray, Params], list[np.ndarray]]


def _slice(node: Node, x: np.ndarray, params: Params) -> list[np.ndarray]:
    a = node.attrs
    return [x[(slice(None),) * a["axis"] + (slice(a["start"], a["stop"], a["step"]),)]]


def _index(node: Node, x: np.ndarray, params: Params) -> list[np.ndarray]:
    return [np.take(x, params[node.params["places"]], axis=node.attrs["axis"])]


def _pad(node: Node, x: np.ndarray, params: Params) -> list[np.ndarray]:
    a = node.attrs
    for axis, (before, after) in enumerate(zip(a["before"], a["after"], strict=True)):
        crop = slice(max(0, -before), x.shape[axis] - max(0, -after))
        x = x[(slice(None),) * axis + (crop,)]
    widths = [(max(0, b), max(0, e)) for b, e in zip(a["before"], a["after"], strict=True)]
    if a["mode"] == "constant":
        return [np.pad(x, widths, constant_values=-1)]
    pad: Any = np.pad
    return [pad(x, widths, mode=_PAD[a["mode"]])]


def _upsample(node: Node, x: np.ndarray, params: Params) -> list[np.ndarray]:
    for axis, size in enumerate(node.attrs["size"], 1):
        places = np.floor_divide(np.arange(int(size)) * x.shape[axis], int(size))
        x = np.take(x, places, axis=axis)
    return [x]


def _pool(node: Node, x: np.ndarray, params: Params) -> list[np.ndarray]:
    """One array a place of the window, -1 where it lies on padding."""
    a, spatial = node.attrs, node.known.out_shape[1:]
    found: list[np.ndarray] = []
    for taps in itertools.product(*(range(k) for k in a["kernel"])):
        part = x
        for axis, (tap, n) in enumerate(zip(taps, spatial, strict=True)):
            step, pad = a["stride"][axis], a["padding"][axis]
            reach = (a.get("dilation") or [1] * len(spatial))[axis]
            place = np.arange(n) * step - pad + tap * reach
            inside = (place >= 0) & (place < x.shape[axis + 1])
            part = np.take(part, np.where(inside, place, 0), axis=axis + 1)
            shape = [1] * part.ndim
            shape[axis + 1] = n
            part = np.where(inside.reshape(shape), part, -1)
        found.append(part)
    return found


MOVES: dict[str, Move] = {
    "reshape": lambda node, x, _: [x.reshape(node.attrs["shape"])],
    "permute": lambda node, x, _: [x.transpose(node.attrs["order"])],
    "expand": lambda node, x, _: [np.broadcast_to(x, node.attrs["shape"])],
    "slice": _slice,
    "index": _index,
    "pad": _pad,
    "pool": _pool,
    "upsample": _upsample,
}
