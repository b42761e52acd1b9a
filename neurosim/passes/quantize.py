"""Puts a graph into a chip's fixed point: whole weights, whole currents, neurons in integers.

Weights become mantissa · 2^e with one exponent a layer, decays steps of 1/4096, thresholds and
biases mantissas of their own (``_chip_format``); a neuron then runs ``ir.fixed_point``. Values that
are added to one another share one scale σ: a stored whole number is σ times the real one. σ is the
largest for which

- every threshold and bias on it fits its register, and no layer's exponent passes its own;
- no current can wrap: σ · Σ|w|·max|n| stays within the membrane's bits whatever fires.

Biases move into the neurons first (``sink_constants``) and chains of linear maps merge, since no
chip sends real numbers from map to map. What a real clip drives is the host's, as in the profiles:
the clip is rounded to ``clip_bits`` within ± ``clip_bound``, its weights to 8 bits, and their sums
are rounded to whole currents, which saturate at ``CURRENT_BOUND`` thresholds. What no neuron reads
(the readout behind the last spikes, leaky integrators included) is the host's too: its weights are
rounded on a grid of a power of two, its arithmetic stays as it is. Sums of whole numbers below 2^24
are exact in any order: the spikes of both engines are the same bits. Changes spikes: never a
default.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.fixed_point import BIAS
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.passes._chip_format import ChipFormat, format_of
from neurosim.passes._fixed_clip import convert_clip
from neurosim.passes._fixed_neuron import fixed_neuron, offset
from neurosim.passes._fixed_scales import Current, Layer, Scales, find_scales
from neurosim.passes._linear_region import WEIGHTS
from neurosim.passes._rewrite import free_name, substituted

KEEPS = "shapes, sharing within a layer; changes spikes"


def quantize(
    graph: Graph, chip: str = "loihi1", clip_bits: int = 8, clip_bound: float = 4.0
) -> Graph:
    """The graph in whole numbers. Apply it to a lowered graph.

    Raises UnknownName: no such chip. GraphError: every neuron and value that has no fixed point, in
    one error.
    """
    from neurosim import passes

    form = format_of(chip)
    if clip_bits < 2 or not clip_bound > 0:
        raise GraphError(f"quantize: clip_bits={clip_bits}, clip_bound={clip_bound}; give 2 or "
                         "more bits and a positive bound")  # fmt: skip
    for name in ("merge_linear_chains", "sink_constants"):
        graph = passes.apply(graph, name)
    graph = convert_clip(graph, clip_bits, clip_bound)
    scales = find_scales(graph, form)
    new: dict[str, tuple[Node, ...]] = {}
    params: dict[str, np.ndarray] = {}
    gone: dict[str, str] = {}
    for node in graph.nodes:
        if node.name in scales.layers:
            new[node.name] = (_layer(graph, node, scales.layers[node.name], form, params),)
        elif node.name in scales.currents:
            new[node.name] = (_current(node, scales.currents[node.name]),)
        elif node.name in scales.neurons:
            new[node.name] = _neuron(graph, node, scales, form, params)
        elif node.name in scales.dropped:
            new[node.name], gone[node.name] = (), node.inputs[0].node
        elif node.name in scales.summed:
            new[node.name] = (replace(node, attrs={**node.attrs, "divisor": 1}),)
        elif node.op in WEIGHTS and not node.attrs.get("host"):
            new[node.name] = (_readout(graph, node, form, params),)
    return substituted(graph, new, gone, params)


def _layer(
    graph: Graph, node: Node, layer: Layer, form: ChipFormat, params: dict[str, np.ndarray]
) -> Node:
    """The weights of a layer in whole numbers."""
    weight = graph.params[node.params["weight"]].astype(np.float64)
    key = f"{node.name}.weight.fixed"
    params[key] = form.weights(weight * layer.factor).astype(np.float32)
    return replace(node, params={**node.params, "weight": key})


def _current(node: Node, current: Current) -> Node:
    """What the host hands over, in the units of the group that it drives."""
    scale = node.attrs["scale"] * current.scale
    attrs = {**node.attrs, "scale": scale, "lo": -current.most, "hi": current.most}
    return replace(node, attrs=attrs)


def _readout(graph: Graph, node: Node, form: ChipFormat, params: dict[str, np.ndarray]) -> Node:
    """Weights that only outputs read, of as many bits, in their own units."""
    weight = graph.params[node.params["weight"]].astype(np.float64)
    largest = float(np.abs(weight).max(initial=0.0))
    if not largest:
        return node
    most = form.mantissa // form.weight_step
    step = 2.0 ** np.ceil(np.log2(largest / most))
    key = f"{node.name}.weight.fixed"
    params[key] = (np.rint(weight / step) * step).astype(np.float32)
    return replace(node, params={**node.params, "weight": key})


def _neuron(
    graph: Graph, node: Node, scales: Scales, form: ChipFormat, params: dict[str, np.ndarray]
) -> tuple[Node, ...]:
    """The neuron in fixed point, behind a synapse of its own where integers drive it directly."""
    scale, edge, before = scales.neurons[node.name], node.inputs[0], list[Node]()
    if node.name in scales.direct:
        factor = form.weights(np.array(scales.direct[node.name]))
        edge = _inserted(graph, node, "synapse", edge, {"scale": factor}, before, params)
    equation, bias = fixed_neuron(graph, node, scale, form)
    late = offset(graph, node, scale)
    if late is not None:  # a bias that enters a current with memory is part of what arrives
        edge = _inserted(graph, node, "offset", edge, {"bias": late}, before, params)
    roles: dict[str, str] = {}
    if bias is not None:
        roles[BIAS] = f"{node.name}.{BIAS}"
        params[roles[BIAS]] = bias.astype(np.float32)
    attrs = {**node.attrs, "equation": equation.to_dict()}
    return (*before, replace(node, inputs=(edge,), attrs=attrs, params=roles))


def _inserted(
    graph: Graph, node: Node, word: str, edge: Edge, values: dict[str, np.ndarray],
    before: list[Node], params: dict[str, np.ndarray],
) -> Edge:  # fmt: skip
    """An affine between a neuron and what drives it; the edge from there."""
    name = free_name(graph, f"{node.name}.{word}")
    roles = {role: f"{name}.{role}" for role in values}
    params |= {roles[r]: np.asarray(v, np.float32) for r, v in values.items()}
    before.append(Node(name, "affine", (edge,), {}, roles, None, None, node.source))
    return Edge(name)
