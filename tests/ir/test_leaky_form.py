"""The form fires as the equation does; what has no such form says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurosim.errors import GraphError
from neurosim.ir.graph import Graph
from neurosim.ir.leaky_form import LeakyForm, current_bias, leaky_form, membrane_bias
from neurosim.ir.neuron import LIF, Neuron
from neurosim.ops._neuron_scan import scan
from tests.ops.graphs import built, input_node, node

QUARTER = Neuron(integrate="leak_add", k=0.25, v_leak=0.5, v_threshold=2.0, v_reset=0.25,
                 v_init=0.25)  # fmt: skip
EQUATIONS = {
    "decay": LIF(v_decay=0.75, gain=0.5, fires=">="),
    "box": Neuron(integrate="add_leak", k=0.5, v_leak=-0.25),
    "leak and reset values": QUARTER,
    "difference": replace(QUARTER, integrate="difference"),
    "tau": Neuron(integrate="difference", leak="divide", tau=4.0, fires=">="),
    "leak only": Neuron(integrate="leak_only", k=0.25, v_leak=0.5, v_reset=-0.5, v_init=-0.5),
    "norse": Neuron(integrate="leak_add", k=0.5, current="jump_first", i_k=0.25),
    "synaptic": LIF(v_decay=0.5, current="decay_first", i_decay=0.75, v_threshold=8.0),
    "sinabs": LIF(v_decay=0.5, current="jump_decay", i_decay=0.5),
    "refractory": LIF(v_decay=0.5, refractory=2),
}
STEPS, NEURONS = 40, 30


def graph_of(neuron: Neuron, **params: np.ndarray) -> Graph:
    roles = {role: role for role in params}
    n = node("n", "neuron", "clip", params=roles, equation=neuron.to_dict())
    return built([input_node((NEURONS,), STEPS, "real"), n], params, STEPS)


def fired(form: LeakyForm, bias: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The three lines of the docstring in float64."""
    u, w = np.zeros(x.shape[1:]), np.full(x.shape[1:], form.w_init)
    rest, out = np.zeros(x.shape[1:]), np.zeros(x.shape)
    for t, row in enumerate(x.astype(np.float64)):
        u = form.i_keep * u + form.gain * row
        w = np.where(rest > 0, w, form.v_keep * w + u + bias)
        z = (w >= form.threshold if form.at_least else w > form.threshold) & (rest == 0)
        rest = np.where(z, form.refractory, np.maximum(rest - 1, 0))
        w = np.where(z, 0.0, w)
        out[t] = z
    return out


@pytest.mark.parametrize("name", EQUATIONS)
def test_form_fires_as_the_equation(name: str) -> None:
    neuron = EQUATIONS[name]
    x = np.random.default_rng(0).integers(-8, 24, (STEPS, 1, NEURONS)).astype(np.float32) / 8
    graph = graph_of(neuron)
    form = leaky_form(graph, graph["n"])
    spikes, _ = scan(neuron, {}, torch.from_numpy(x))
    assert 0.02 < float(spikes.mean()) < 0.9
    # the two round differently: a flip is rare, and none survives on these coarse numbers
    found = fired(form, membrane_bias(graph, graph["n"]), x[:, 0])
    assert (found != spikes[:, 0].numpy()).mean() < 1e-3


def test_an_affine_in_front_is_part_of_it() -> None:
    affine = {
        "affine_scale": np.full((1, 1), 0.5, np.float32),
        "affine_bias": np.arange(NEURONS, dtype=np.float32)[None] / 32,
    }
    x = np.random.default_rng(1).integers(-8, 24, (STEPS, 1, NEURONS)).astype(np.float32) / 8
    for neuron in (EQUATIONS["box"], EQUATIONS["norse"]):
        graph = graph_of(neuron, **affine)
        form, late = leaky_form(graph, graph["n"]), current_bias(graph, graph["n"])
        assert (late is not None) == (neuron.current != "none")
        driven = x[:, 0] + (0.0 if late is None else late)
        spikes, _ = scan(neuron, affine, torch.from_numpy(x))
        found = fired(form, membrane_bias(graph, graph["n"]), driven)
        assert (found != spikes[:, 0].numpy()).mean() < 1e-3 < float(spikes.mean())


WRONG = [
    (LIF(v_decay=0.5, reset="subtract"), {}, "reset is 'subtract'"),
    (LIF(v_decay=0.5, fires="never", reset="none"), {}, "emits its membrane"),
    (LIF(v_decay=0.5, fires=">=", max_spikes=None), {}, "several spikes"),
    (LIF(v_decay=0.5, reset_at="before"), {}, "resets 'before'"),
    (LIF(v_decay=0.5, adaptation=True), {}, "adapts"),
    (LIF(v_decay=0.5, v_min=-1.0), {}, "lower bound"),
    (LIF(v_decay=0.5, current="delayed"), {}, "a step late"),
    (LIF(v_decay=0.5, current="decay_first", i_init=1.0), {}, "does not start at 0"),
    (LIF(v_decay=0.5, v_reset=2.0), {}, "below its reset"),
    (LIF(v_decay=0.5, gain=-1.0), {}, "gain is not positive"),
    (LIF(v_decay=0.5), {"v_threshold": np.arange(NEURONS, dtype=np.float32)}, "differs between"),
    (LIF(v_decay=0.5), {"affine_scale": np.ones((STEPS, 1), np.float32)}, "--average-bn"),
    (
        LIF(v_decay=0.5),
        {"affine_scale": np.arange(1, NEURONS + 1, dtype=np.float32)[None]},
        "channel to channel",
    ),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_has_no_form_says_why(case: int) -> None:
    neuron, params, said = WRONG[case]
    graph = graph_of(neuron, **params)
    with pytest.raises(GraphError, match=said):
        leaky_form(graph, graph["n"])


def test_one_number_in_an_array_is_a_number() -> None:
    graph = graph_of(LIF(v_decay=0.5), v_threshold=np.full(NEURONS, 3, np.float32))
    assert leaky_form(graph, graph["n"]).threshold == 3.0
    memoryless = replace(graph["n"], attrs={**graph["n"].attrs, "memoryless": True})
    with pytest.raises(GraphError, match="afresh"):
        leaky_form(graph, memoryless)
