"""A neuron in a chip's fixed point, given the scale of what drives it.

With σ the scale of its input and g its gain, the membrane in whole numbers is S = σ·2^shift/g times
the real one: weights need not know g, and threshold = S·θ.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.fixed_point import FixedPoint
from neurosim.ir.graph import Graph, Node
from neurosim.ir.leaky_form import LeakyForm, current_bias, leaky_form, membrane_bias
from neurosim.ir.neuron import Neuron
from neurosim.passes._chip_format import ChipFormat


def chip_form(graph: Graph, node: Node) -> LeakyForm:
    """The neuron's equation. Raises GraphError: why no chip has it."""
    form = leaky_form(graph, node)
    if form.refractory:
        raise GraphError("it has a refractory period")
    if form.w_init:
        raise GraphError("it does not start at its reset value")
    return form


def fixed_neuron(
    graph: Graph, node: Node, scale: float, chip: ChipFormat
) -> tuple[Neuron, np.ndarray | None]:
    """The equation with its ``fixed_point``, and the bias of each neuron (None: none)."""
    form, one = chip_form(graph, node), 2**chip.decay_bits
    per_volt = units(form, scale, chip)
    mantissa = np.rint(per_volt * form.threshold / 2**chip.input_shift)
    fixed = FixedPoint(
        max(int(np.rint((1.0 - form.i_keep) * one)), chip.least_u_decay),
        min(int(np.rint((1.0 - form.v_keep) * one)), one - 1),
        int(np.clip(mantissa, 0, 2**chip.threshold_bits - 1)) << chip.input_shift,
        chip.input_shift,
        chip.state_bits,
        chip.decay_bits,
    )
    bias = chip.biases(per_volt * membrane_bias(graph, node))
    equation = Neuron.from_dict(node.attrs["equation"])
    return replace(equation, fixed_point=fixed), bias if bias.any() else None


def units(form: LeakyForm, scale: float, chip: ChipFormat) -> float:
    """S: whole numbers per unit of the real membrane."""
    return scale * 2**chip.input_shift / form.gain


def offset(graph: Graph, node: Node, scale: float) -> np.ndarray | None:
    """The affine's bias in the units of what arrives, where the current remembers it."""
    bias = current_bias(graph, node)
    return None if bias is None else np.rint(bias * scale)
