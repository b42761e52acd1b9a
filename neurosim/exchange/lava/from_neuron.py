"""A neuron node as the arguments of a Lava LIF.

Floating point: Lava's u ← u·(1 − du) + a, v ← v·(1 − dv) + u + bias fires above vth and resets v
to 0. Ours in the same form has a gain on what arrives; dividing membrane, bias and threshold by it
leaves the weights alone. A neuron that fires at its threshold gets the next float64 below it.
Fixed point: the registers of ``ir.fixed_point``, Lava's du one less than the decay it makes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.exchange.lava.plan import LavaError, Unit
from neurosim.ir.fixed_point import BIAS, FixedPoint
from neurosim.ir.graph import Graph, Node
from neurosim.ir.leaky_form import leaky_form, membrane_bias
from neurosim.ir.neuron import Neuron

BIAS_MANTISSA = 4095


def neuron_unit(
    graph: Graph, node: Node, order: np.ndarray, shape: tuple[int, ...], fixed: bool
) -> Unit:
    """Without its inputs. Raises GraphError: why Lava has no such neuron."""
    made = _fixed(graph, node) if fixed else _floating(graph, node)
    settings: dict[str, Any] = {k: v for k, v in made.items() if not isinstance(v, np.ndarray)}
    arrays = {k: laid_out(v, order, shape) for k, v in made.items() if isinstance(v, np.ndarray)}
    if settings.get("refractory") and arrays:
        raise LavaError("a refractory period and a bias (LIFRefractory cannot be reset)")
    return Unit(node.name, "lif", shape, (), settings, arrays)


def laid_out(value: np.ndarray, order: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A value of each neuron in our axes → in Lava's."""
    flat = np.empty(order.size, value.dtype)
    trimmed = value.reshape(value.shape[max(0, value.ndim - order.ndim) :])
    flat[order.reshape(-1)] = np.broadcast_to(trimmed, order.shape).reshape(-1)
    return flat.reshape(shape)


def _floating(graph: Graph, node: Node) -> dict[str, Any]:
    form = leaky_form(graph, node)
    vth = form.threshold / form.gain
    if form.w_init:
        raise LavaError("it does not start at its reset value")
    made: dict[str, Any] = {
        "du": 1.0 - form.i_keep,
        "dv": 1.0 - form.v_keep,
        "vth": float(np.nextafter(vth, -np.inf)) if form.at_least else vth,
    }
    if form.refractory:
        made["refractory"] = form.refractory
    bias = membrane_bias(graph, node) / form.gain
    return made | ({"bias_mant": bias} if bias.any() else {})


def _fixed(graph: Graph, node: Node) -> dict[str, Any]:
    p = Neuron.from_dict(node.attrs["equation"]).fixed_point
    if p is None:
        raise LavaError("it is not in fixed point while others are; quantize the whole graph")
    if (p.input_shift, p.state_bits, p.decay_bits) != (6, 24, 12) or p.u_decay < 1:
        raise LavaError("its registers are not Loihi's")
    made: dict[str, Any] = {"du": p.u_decay - 1, "dv": p.v_decay, "vth": _threshold(p)}
    key = node.params.get(BIAS)
    if key is not None:
        mantissa, exponent = bias_parts(graph.params[key].astype(np.int64))
        made |= {"bias_mant": mantissa, "bias_exp": exponent}
    return made


def _threshold(p: FixedPoint) -> int:
    if p.threshold % 2**p.input_shift:
        raise LavaError(f"its threshold {p.threshold} is no multiple of {2**p.input_shift}")
    return p.threshold >> p.input_shift


def bias_parts(bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mantissa, e) with bias = mantissa · 2^e, e the smallest. Raises LavaError: there is none."""
    needed = np.ceil(np.log2(np.maximum(np.abs(bias), 1) / BIAS_MANTISSA)).astype(np.int64)
    exponent = np.clip(needed, 0, 7)
    mantissa = bias >> exponent
    if (mantissa << exponent != bias).any() or (np.abs(mantissa) > BIAS_MANTISSA).any():
        raise LavaError("its bias is no mantissa of 12 bits; quantize the graph")
    return mantissa, exponent
