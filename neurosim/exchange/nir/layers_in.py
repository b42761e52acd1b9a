"""NIR's primitives other than neurons → nodes of our graph. ``LAYERS``: NIR's name → what makes
them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.errors import NirError
from neurosim.exchange.nir.delay_lines import laid_out
from neurosim.exchange.nir.fields import array, fitted, single, whole
from neurosim.exchange.nir.neuron_in import NEURONS, equation_of
from neurosim.exchange.nir.place import Place, Shape
from neurosim.exchange.nir.record import Primitive, ours
from neurosim.exchange.nir.shapes import padding
from neurosim.ir.graph import Edge, Node


def nodes_of(node: Primitive, place: Place) -> list[Node]:
    """The nodes of one primitive, the last one named as it is. Raises NirError."""
    if node.kind in NEURONS:
        return _neuron(node, place)
    if node.kind not in LAYERS:
        raise NirError(f"no NIR primitive that neurosim knows; known: {', '.join(sorted(KNOWN))}")
    return LAYERS[node.kind](node, place)


def _neuron(node: Primitive, place: Place) -> list[Node]:
    neuron, arrays = equation_of(node, place.before, place.how)
    attrs = {"equation": neuron.to_dict(), "emit": "spike"}
    return [place.node("neuron", attrs, {k: single(v) for k, v in arrays.items()})]


def _bias(node: Primitive) -> dict[str, np.ndarray]:
    """NIR's convolutions and Affine always have a bias; one that is 0 everywhere is none, unless
    ``to_nir`` wrote that it is there."""
    if node.kind == "Linear" or node.fields.get("bias") is None:
        return {}
    bias = array(node, "bias").reshape(-1)
    channels = array(node, "weight").shape[0]
    if bias.size == 1:
        bias = np.broadcast_to(bias, (channels,))
    kept = ours(node.metadata, node.kind).get("bias", bool(bias.any()))
    return {"bias": single(bias)} if kept else {}


def _convolution(node: Primitive, place: Place) -> list[Node]:
    n = len(place.before) - 1
    weight = array(node, "weight")
    stride, dilation = (whole(node, name, n, 1) for name in ("stride", "dilation"))
    before, after = padding(node, n, tuple(weight.shape[2:]), stride, dilation)
    nodes, operand = [], place.operand
    own = _own_padding(node, place, before, after)
    if own != before or own != after:
        first, last = ((0, *(t - o for t, o in zip(p, own, strict=True))) for p in (before, after))
        attrs = {"mode": "constant", "value": 0, "before": first, "after": last}
        nodes.append(place.node("pad", attrs, name=f"{place.name}.pad"))
        operand = Edge(nodes[0].name)
    attrs = {
        "stride": stride, "padding": own, "dilation": dilation,
        "groups": whole(node, "groups", 1, 1)[0],
        "transposed": False, "output_padding": (0,) * n,
    }  # fmt: skip
    bias = _bias(node)
    if bias and bias["bias"].shape != (weight.shape[0],):
        raise NirError(f"bias of {bias['bias'].size} for {weight.shape[0]} channels")
    nodes.append(place.node("convolution", attrs, {"weight": single(weight), **bias}, operand))
    return nodes


def _own_padding(node: Primitive, place: Place, before: Shape, after: Shape) -> Shape:
    """What the convolution pads by itself; the rest is a pad node in front of it."""
    least = tuple(min(b, a) for b, a in zip(before, after, strict=True))
    said = ours(node.metadata, node.kind).get("own") if place.how.ours else None
    own = least if said is None else tuple(int(n) for n in said)
    if len(own) != len(least) or any(not 0 <= o <= p for o, p in zip(own, least, strict=True)):
        raise NirError("its metadata says another padding; give source= to read the fields alone")
    return own


def _linear(node: Primitive, place: Place) -> list[Node]:
    weight = array(node, "weight")
    if weight.ndim > 2:
        return _blocks(node, weight, place)
    bias = _bias(node)
    if bias and bias["bias"].shape != weight.shape[:1]:
        raise NirError(f"bias of {bias['bias'].size} for {weight.shape[0]} outputs")
    return [place.node("linear", {}, {"weight": single(weight), **bias})]


def _blocks(node: Primitive, weight: np.ndarray, place: Place) -> list[Node]:
    """weight (…, out, in): a linear map for each place of the leading axes, as groups of a
    convolution over one point."""
    *leading, out, features = weight.shape
    groups = int(np.prod(leading))
    bias: dict[str, np.ndarray] = {}
    if node.fields.get("bias") is not None and array(node, "bias").any():
        bias["bias"] = single(np.broadcast_to(array(node, "bias"), place.after).reshape(-1))
    flat = place.node("reshape", {"shape": (groups * features, 1)}, name=f"{place.name}.flat")
    attrs = {
        "stride": (1,), "padding": (0,), "dilation": (1,), "groups": groups, "transposed": False,
        "output_padding": (0,),
    }  # fmt: skip
    blocks = {"weight": single(weight.reshape(groups * out, features, 1)), **bias}
    inner = f"{place.name}.blocks"
    conv = place.node("convolution", attrs, blocks, Edge(flat.name), inner)
    return [flat, conv, place.node("reshape", {"shape": place.after}, operand=Edge(inner))]


def _scale(node: Primitive, place: Place) -> list[Node]:
    scale = single(fitted(array(node, "scale"), place.before, "scale"))
    return [place.node("affine", {}, {"scale": scale})]


def _threshold(node: Primitive, place: Place) -> list[Node]:
    value = single(fitted(array(node, "threshold"), place.before, "threshold"))
    said = ours(node.metadata, node.kind).get("relation") if place.how.ours else None
    relation = place.how.changes.get("fires") or said or place.how.source.fires
    if relation not in (">", ">="):
        raise NirError(f"its metadata says it fires at {relation!r}, expects > or >=")
    if value.size == 1:
        return [place.node("compare", {"relation": relation, "threshold": float(value.flat[0])})]
    return [place.node("compare", {"relation": relation}, {"threshold": value})]


def _pool(node: Primitive, place: Place) -> list[Node]:
    stride, kernel = whole(node, "stride", 2), whole(node, "kernel_size", 2)
    attrs = {
        "mode": "average", "kernel": kernel, "stride": stride,
        "padding": whole(node, "padding", 2, 0), "dilation": (1, 1), "ceil_mode": False,
        "count_include_pad": True, "divisor": 1 if node.kind == "SumPool2d" else None,
    }  # fmt: skip
    if any(2 * p > k for p, k in zip(attrs["padding"], kernel, strict=True)):
        raise NirError(f"padding {attrs['padding']} is more than half of the kernel {kernel}")
    return [place.node("pool", attrs)]


def _same(node: Primitive, place: Place) -> list[Node]:
    return [place.node("reshape", {"shape": place.after})]


def delay_steps(node: Primitive, dt: float) -> np.ndarray:
    """A Delay's seconds as whole steps, int64. Raises NirError: between two steps, or negative."""
    seconds = array(node, "delay")
    steps = np.rint(seconds / dt)
    if not np.allclose(seconds / dt, steps, rtol=1e-5, atol=1e-5) or np.any(steps < 0):
        raise NirError(
            f"a delay of {float(seconds.max()):g} s is not a whole number of steps of {dt:g} s"
        )
    return steps.astype(np.int64)


def _delay(node: Primitive, place: Place) -> list[Node]:
    steps = delay_steps(node, place.how.step)
    if not (steps == steps.flat[0]).all():
        fit = fitted(steps, place.before, "delay")
        return laid_out(np.broadcast_to(fit, place.before), place)
    operand = Edge(place.operand.node, place.operand.delay + int(steps.flat[0]))
    return [place.node("reshape", {"shape": place.after}, operand=operand)]


LAYERS: dict[str, Callable[[Primitive, Place], list[Node]]] = {
    "Affine": _linear, "Linear": _linear, "Conv1d": _convolution, "Conv2d": _convolution,
    "Scale": _scale, "Threshold": _threshold, "AvgPool2d": _pool, "SumPool2d": _pool,
    "Flatten": _same, "Identity": _same, "Delay": _delay,
}  # fmt: skip
KNOWN = (*LAYERS, *NEURONS, "Input", "Output", "NIRGraph")
