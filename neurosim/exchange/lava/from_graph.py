"""Graph → Plan: which Lava process does the work of which node.

| node | Lava |
|---|---|
| convolution (2-D) | Conv, kernel flipped and in (C', W, H, C): Lava convolves, torch correlates |
| linear | Dense; Sparse where the map repeats over tokens |
| neuron | LIF, LIFReset where a bias would charge it before its first step, LIFRefractory |
| max-pool of spikes | Conv of ones and a LIF with threshold 0 that forgets: an OR, one step later |
| average pool | Conv of equal weights |
| add | several connections into one port |
| reshape, permute, slice in front of a linear map | the order of its columns |
| a scale of integers | Sparse, diagonal |
| a bias into a current with memory | a source that says the same at every step |

What only outputs read stays with the host; everything else that a neuron needs and that is not in
the table is listed in one error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from neurosim.errors import GraphError
from neurosim.exchange.lava.from_neuron import neuron_unit
from neurosim.exchange.lava.plan import LavaError, Link, Plan, Unit
from neurosim.ir.graph import Graph, Node
from neurosim.ir.leaky_form import current_bias
from neurosim.passes._fixed_scales import by_reason, spikes

SOURCES = ("input", "to_integers")


@dataclass(frozen=True)
class Signal:
    """Units whose sum is a value. ``order``: in our axes, the place of each element in a unit's
    flattened shape; ``graded``: not 0 and 1 alone."""

    links: tuple[Link, ...]
    shape: tuple[int, ...]
    order: np.ndarray
    graded: bool


@dataclass
class Draft:
    """What has been planned so far, and what could not be."""

    graph: Graph
    fixed: bool
    units: list[Unit] = field(default_factory=list[Unit])
    values: dict[str, Signal] = field(default_factory=dict[str, Signal])
    neurons: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    sources: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    wrong: dict[str, str] = field(default_factory=dict[str, str])


def plan_of(graph: Graph, until: Iterable[str] | None = None) -> Plan:
    """The plan of all neurons (or of those named and what they need).

    Raises LavaError: every node that has no counterpart, in one line.
    """
    needed = _needed(graph, until)
    fixed = any(_in_fixed_point(graph[n]) for n in needed)
    draft = Draft(graph, fixed)
    for node in graph.nodes:  # what a delayed edge reads is planned later, but known by name
        if node.op == "neuron" and node.name in needed:
            draft.values[node.name] = _standing(node, False)
    for node in graph.nodes:
        if node.name in needed:
            _plan_node(draft, node)
    if draft.wrong:
        raise LavaError(
            f"Lava has no counterpart of {by_reason(draft.wrong)}; name the neurons that it may "
            "hold with until (--until)"
        )
    return Plan(tuple(draft.units), draft.neurons, draft.sources, fixed, graph.steps)


def _needed(graph: Graph, until: Iterable[str] | None) -> set[str]:
    """Neurons and everything between them and their sources. Raises LavaError: no such neuron."""
    neurons = [n.name for n in graph.nodes if spikes(n)]
    ends = neurons if until is None else list(until)
    if unknown := [n for n in ends if n not in neurons]:
        raise LavaError(f"no neuron called {', '.join(unknown)}; known: {', '.join(neurons)}")
    if not ends:
        raise LavaError("the graph has no neuron: nothing to map")
    found: set[str] = set()
    while ends:
        name = ends.pop()
        if name not in found:
            found.add(name)
            if graph[name].op not in SOURCES:
                ends += [e.node for e in graph[name].inputs]
    return found


def _in_fixed_point(node: Node) -> bool:
    return node.op == "neuron" and bool(node.attrs["equation"].get("fixed_point"))


def lava_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(W, H, C) of (C, H, W); anything else lies flat."""
    return shape[::-1] if len(shape) == 3 else (int(np.prod(shape)),)


def standard_order(shape: tuple[int, ...]) -> np.ndarray:
    """Where our elements lie in ``lava_shape``, flattened."""
    places = np.arange(int(np.prod(shape)))
    return places.reshape(shape[::-1]).T if len(shape) == 3 else places.reshape(shape)


def _standing(node: Node, graded: bool) -> Signal:
    shape = node.value.shape
    return Signal((Link(node.name),), lava_shape(shape), standard_order(shape), graded)


def _plan_node(draft: Draft, node: Node) -> None:
    how = SOURCE if node.op in SOURCES else RULES.get(node.op)
    if how is None:
        draft.wrong[node.name] = f"{node.op} between neurons"
        return
    operands = []
    for edge in node.inputs if node.op not in SOURCES else ():
        signal = draft.values.get(edge.node)
        if signal is None:
            return  # its source has been refused
        if edge.initial:
            draft.wrong[node.name] = "an initial value before the first step"
            return
        links = tuple(Link(link.unit, link.delay + edge.delay) for link in signal.links)
        operands.append(Signal(links, signal.shape, signal.order, signal.graded))
    try:
        draft.values[node.name] = how(draft, node, operands)
    except GraphError as error:
        draft.wrong[node.name] = str(error)


def _source(draft: Draft, node: Node, operands: list[Signal]) -> Signal:
    graded = not (node.value.discrete and node.value.hi == 1 and node.value.lo == 0)
    signal = _standing(node, graded)
    draft.units.append(Unit(node.name, "source", signal.shape))
    draft.sources[node.name] = signal.order
    return signal


def _neuron(draft: Draft, node: Node, operands: list[Signal]) -> Signal:
    (drive,) = operands
    if drive.order.size != int(np.prod(drive.shape)):
        raise LavaError("only a part of what arrives reaches it")
    late = None if draft.fixed else current_bias(draft.graph, node)
    if late is not None:
        drive = _joined(drive, _constant(draft, node, late, drive))
    unit = neuron_unit(draft.graph, node, drive.order, drive.shape, draft.fixed)
    draft.units.append(Unit(unit.name, unit.kind, unit.shape, drive.links, unit.settings,
                            unit.arrays))  # fmt: skip
    draft.neurons[node.name] = drive.order
    return Signal((Link(node.name),), drive.shape, drive.order, False)


def _constant(draft: Draft, node: Node, value: np.ndarray, like: Signal) -> Signal:
    name = f"{node.name}.constant"
    flat = np.empty(like.order.size)
    flat[like.order.reshape(-1)] = np.broadcast_to(value, like.order.shape).reshape(-1)
    draft.units.append(
        Unit(name, "constant", like.shape, arrays={"value": flat.reshape(like.shape)})
    )
    return Signal((Link(name),), like.shape, like.order, True)


def _joined(*signals: Signal) -> Signal:
    """Their sum: all of them into one port."""
    first = signals[0]
    for other in signals[1:]:
        if other.shape != first.shape or not np.array_equal(other.order, first.order):
            raise LavaError("it adds values that lie differently in Lava")
    links = tuple(link for s in signals for link in s.links)
    return Signal(links, first.shape, first.order, len(links) > 1 or first.graded)


def _add(draft: Draft, node: Node, operands: list[Signal]) -> Signal:
    if node.attrs.get("subtract"):
        raise LavaError("a difference (ports only add)")
    return _joined(*operands)


def _convolution(draft: Draft, node: Node, operands: list[Signal]) -> Signal:
    (x,), a = operands, node.attrs
    weight = draft.graph.params[node.params["weight"]]
    if weight.ndim != 4 or a["transposed"]:
        raise LavaError("a convolution that is not a plain one of two axes")
    if "bias" in node.params:
        raise LavaError("its bias also reaches what is not mapped")
    flipped = weight[:, :, ::-1, ::-1].transpose(0, 3, 2, 1)
    return _conv_unit(draft, node, node.name, x, flipped, {
        "stride": tuple(a["stride"][::-1]), "padding": tuple(a["padding"][::-1]),
        "dilation": tuple(a["dilation"][::-1]), "groups": a["groups"],
    })  # fmt: skip


def _conv_unit(
    draft: Draft, node: Node, name: str, x: Signal, weight: np.ndarray, settings: dict[str, object]
) -> Signal:
    """A Conv process; ``weight`` (C', kW, kH, C/groups), settings along (W, H)."""
    if not np.array_equal(x.order, standard_order(x.order.shape)) or len(x.shape) != 3:
        raise LavaError("what it reads is moved about in front of it")
    out = _standing(node, True)
    settings = {**settings, "graded": x.graded, "input_shape": x.shape}
    draft.units.append(Unit(name, "conv", out.shape, x.links, settings, {"weight": weight}))
    return Signal((Link(name),), out.shape, out.order, True)


def _linear(draft: Draft, node: Node, operands: list[Signal]) -> Signal:
    (x,), weight = operands, draft.graph.params[node.params["weight"]]
    if "bias" in node.params:
        raise LavaError("its bias also reaches what is not mapped")
    size, out = int(np.prod(x.shape)), _standing(node, True)
    mantissa, exponent = mantissas(weight) if draft.fixed else (weight, 0)
    settings = {"graded": x.graded, "exponent": exponent}
    if x.order.ndim == 1:
        whole = np.zeros((len(weight), size))
        np.add.at(whole.T, x.order, mantissa.T)
        draft.units.append(Unit(node.name, "dense", out.shape, x.links, settings,
                                {"weight": whole}))  # fmt: skip
        return out
    tokens = x.order.reshape(-1, weight.shape[1])
    rows = np.arange(len(tokens) * len(weight)).reshape(len(tokens), len(weight), 1)
    full = (len(tokens), *weight.shape)
    arrays = {
        "rows": np.broadcast_to(rows, full).reshape(-1),
        "columns": np.broadcast_to(tokens[:, None], full).reshape(-1),
        "values": np.broadcast_to(mantissa, full).reshape(-1),
    }
    settings["sizes"] = (rows.size, size)
    draft.units.append(Unit(node.name, "sparse", out.shape, x.links, settings, arrays))
    return out


def mantissas(weight: np.ndarray) -> tuple[np.ndarray, int]:
    """(mantissas of at most 254, e) with weight = mantissa · 2^e. Raises LavaError: not of this
    form."""
    largest = float(np.abs(weight).max(initial=0.0))
    exponent = max(0, int(np.ceil(np.log2(largest / 254)))) if largest else 0
    mantissa = weight / 2.0**exponent
    if (mantissa != 2 * np.rint(mantissa / 2)).any():
        raise LavaError("its weights are no mantissas of 8 bits; quantize the graph")
    return mantissa, exponent


def _pool(draft: Draft, node: Node, operands: list[Signal]) -> Signal:
    (x,), a = operands, node.attrs
    if len(a["kernel"]) != 2 or a["ceil_mode"]:
        raise LavaError("a pool that is not one of two axes without ceil_mode")
    channels, most = node.value.shape[0], a["mode"] == "max"
    if most and x.graded:
        raise LavaError("a maximum of what is no spike")
    divisor = 1 if most else a.get("divisor") or int(np.prod(a["kernel"]))
    if not most and any(a["padding"]) and not a["count_include_pad"]:
        raise LavaError("an average whose divisor changes along the border")
    if draft.fixed and divisor != 1:
        raise LavaError("an average in whole numbers; quantize the graph")
    settings = {k: tuple(a[k][::-1]) for k in ("stride", "padding", "dilation")}
    weight = np.full((channels, a["kernel"][1], a["kernel"][0], 1), 1.0 / divisor)
    name = f"{node.name}.any" if most else node.name
    summed = _conv_unit(draft, node, name, x, weight, {**settings, "groups": channels})
    if not most:
        return summed
    draft.units.append(_or(node.name, summed, draft.fixed))
    return Signal((Link(node.name),), summed.shape, summed.order, False)


def _or(name: str, x: Signal, fixed: bool) -> Unit:
    """Neurons that fire where anything arrives, and forget it."""
    forgets = {"du": 4095, "dv": 4095, "vth": 0} if fixed else {"du": 1.0, "dv": 1.0, "vth": 0.5}
    return Unit(name, "lif", x.shape, x.links, forgets)


def _affine(draft: Draft, node: Node, operands: list[Signal]) -> Signal:
    (x,) = operands
    if node.attrs.get("per_step"):
        raise LavaError("a scale or bias per step; apply average_bn (--average-bn)")
    roles = {r: draft.graph.params[k].astype(np.float64) for r, k in node.params.items()}
    if set(roles) == {"bias"} and x.order.shape == node.value.shape:
        return _joined(x, _constant(draft, node, roles["bias"], x))
    if set(roles) != {"scale"} or not node.value.discrete:
        raise LavaError("an affine of what is no spike")
    scale = 1.0 / roles["scale"] if node.attrs.get("divide") else roles["scale"]
    each = np.broadcast_to(scale, x.order.shape).reshape(-1)
    mantissa, exponent = mantissas(each) if draft.fixed else (each, 0)
    places, size = x.order.reshape(-1), int(np.prod(x.shape))
    out = _standing(node, True)
    arrays = {"rows": out.order.reshape(-1), "columns": places, "values": mantissa}
    settings = {"sizes": (out.order.size, size), "graded": x.graded, "exponent": exponent}
    flat = (out.order.size,)
    draft.units.append(Unit(node.name, "sparse", flat, x.links, settings, arrays))
    return Signal(out.links, flat, out.order, True)


def _move(move: Callable[[np.ndarray, Node], np.ndarray]) -> Callable[..., Signal]:
    def rule(draft: Draft, node: Node, operands: list[Signal]) -> Signal:
        (x,) = operands
        return Signal(x.links, x.shape, move(x.order, node), x.graded)

    return rule


def _sliced(order: np.ndarray, node: Node) -> np.ndarray:
    a = node.attrs
    return order[(slice(None),) * a["axis"] + (slice(a["start"], a["stop"], a["step"]),)]


SOURCE = _source
RULES: dict[str, Callable[[Draft, Node, list[Signal]], Signal]] = {
    "neuron": _neuron,
    "convolution": _convolution,
    "linear": _linear,
    "pool": _pool,
    "add": _add,
    "affine": _affine,
    "reshape": _move(lambda order, node: order.reshape(tuple(node.attrs["shape"]))),
    "permute": _move(lambda order, node: order.transpose(tuple(node.attrs["order"]))),
    "slice": _move(_sliced),
}
