"""The leaky integrate-and-fire neurons that chips have, read off the general equation.

With w = v − v_reset the membrane and u the synaptic current:

    u ← i_keep·u + gain·x
    w ← v_keep·w + u + bias
    fire where w > threshold (``at_least``: ≥), and there w ← 0

norse's LIF and box neurons, SpikingJelly's (P)LIF, snnTorch's Leaky and Synaptic, sinabs' LIF and
our PLIF with a reset to a value all have this form: (1 − k)·v + k·(v_leak + gain·x), for instance.
A current that jumps before it decays gives the drive d ← (1 − i_k)·d + x. The form is the same
equation in real arithmetic, not the same roundings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.graph import Graph, Node
from neurosim.ir.neuron import AFFINE, Neuron


@dataclass(frozen=True)
class LeakyForm:
    """See the module's equations; ``refractory``: steps without integration after a spike."""

    i_keep: float
    v_keep: float
    gain: float
    bias: float
    threshold: float
    at_least: bool
    w_init: float
    refractory: int


def integrates_only(node: Node) -> bool:
    """Whether a neuron node emits its membrane: a readout, which is the host's."""
    equation = node.attrs["equation"]
    silent = equation.get("fires") == "never" or equation.get("output", "spike") != "spike"
    return silent or node.attrs.get("emit", "spike") != "spike"


def leaky_form(graph: Graph, node: Node) -> LeakyForm:
    """The form of a neuron node, the scale of its affine in ``gain`` (its bias: ``membrane_bias``,
    ``current_bias``). Raises GraphError: why it has none."""
    scale = _affine(graph, node, "affine_scale")
    _affine(graph, node, "affine_bias")
    if scale is not None and np.unique(scale).size > 1:
        raise GraphError("its input's scale differs from channel to channel")
    form = _bare(graph, node)
    form = form if scale is None else replace(form, gain=form.gain * float(scale.reshape(-1)[0]))
    if form.gain <= 0:
        raise GraphError("its gain is not positive")
    return form


def _affine(graph: Graph, node: Node, role: str) -> np.ndarray | None:
    """The one row of an affine, float64."""
    key = node.params.get(role)
    if key is None:
        return None
    rows = graph.params[key]
    if len(rows) > 1:
        raise GraphError(
            "its input's scale or bias differs from step to step; apply average_bn (--average-bn)"
        )
    return rows[0].astype(np.float64)


def membrane_bias(graph: Graph, node: Node) -> np.ndarray:
    """What every step adds to w, for each neuron (or once); what a current remembers is not of
    it."""
    form, bias = leaky_form(graph, node), _affine(graph, node, "affine_bias")
    held = np.zeros(1) if bias is None or form.i_keep else bias
    return _bare(graph, node).gain * held + form.bias


def current_bias(graph: Graph, node: Node) -> np.ndarray | None:
    """The affine's bias as part of what arrives, where the current remembers it; None: none."""
    form, bias = leaky_form(graph, node), _affine(graph, node, "affine_bias")
    if bias is None or not form.i_keep or not bias.any():
        return None
    return bias * _bare(graph, node).gain / form.gain


def _bare(graph: Graph, node: Node) -> LeakyForm:
    arrays = {r: graph.params[k] for r, k in node.params.items() if r not in AFFINE}
    if node.attrs.get("memoryless"):
        raise GraphError("its state starts afresh at every step")
    if node.attrs.get("emit", "spike") != "spike":
        raise GraphError("its membrane is read")
    return _of(_with_numbers(Neuron.from_dict(node.attrs["equation"]), arrays))


def _with_numbers(neuron: Neuron, arrays: Mapping[str, np.ndarray]) -> Neuron:
    """Arrays that hold one number put into the equation."""
    for role, array in arrays.items():
        if np.unique(array).size != 1:
            raise GraphError(f"its {role} differs between neurons")
    return replace(neuron, **{r: float(a.reshape(-1)[0]) for r, a in arrays.items()})


def _of(n: Neuron) -> LeakyForm:
    for wrong, why in (
        (n.fixed_point is not None, "it is in fixed point already"),
        (n.fires == "never" or n.output != "spike", "it emits its membrane"),
        (n.reset != "to_value", f"its reset is {n.reset!r}, not to a value"),
        (n.reset_at != "now", f"it resets {n.reset_at!r}, not in the step of its spike"),
        (n.max_spikes != 1, "it emits several spikes a step"),
        (n.adaptation, "its threshold adapts"),
        (n.v_min is not None, "its membrane has a lower bound"),
        (n.current == "delayed", "its current acts a step late"),
        (n.current != "none" and n.i_init != 0, "its current does not start at 0"),
        (n.v_threshold < n.v_reset, "its threshold lies below its reset value"),
    ):
        if wrong:
            raise GraphError(why)
    v_keep, gain, pull = _membrane(n)
    i_keep, gain = _current(n, gain)
    return LeakyForm(
        i_keep,
        v_keep,
        gain,
        pull - (1.0 - v_keep) * n.v_reset,
        n.v_threshold - n.v_reset,
        n.fires == ">=",
        n.v_init - n.v_reset,
        n.refractory,
    )


def _membrane(n: Neuron) -> tuple[float, float, float]:
    """What is kept of v, what is added of the drive, and what v_leak adds."""
    if n.integrate == "decay":
        return n.v_decay, n.gain, 0.0
    k = 1.0 / n.tau if n.leak == "divide" else n.k
    return 1.0 - k, n.gain if n.integrate == "leak_only" else k * n.gain, k * n.v_leak


def _current(n: Neuron, gain: float) -> tuple[float, float]:
    """What is kept of the current, and the gain of what enters it."""
    if n.current == "none":
        return 0.0, gain
    if n.current == "jump_first":
        return 1.0 - n.i_k, gain
    return n.i_decay, gain * n.i_decay if n.current == "jump_decay" else gain
