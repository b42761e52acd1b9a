"""Lowered graphs can be exported: their norms and biases go back into the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.errors import NirError
from neurosim.exchange.nir.unsink import unsunk
from tests.exchange.nir.graphs import STEPS
from tests.exchange.nir.test_write_graph import spiking
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import conv, norm, norm_params

CLIP = torch.randint(-4, 9, (STEPS, 2, 2, 6, 6), generator=torch.Generator().manual_seed(0)) / 4


def normed() -> ns.Graph:
    """conv → norm → neuron → flat → linear with bias → neuron, on grids."""
    rng = np.random.default_rng(0)
    params = {
        "w": rng.normal(size=(4, 2, 3, 3)), "b": rng.normal(size=4), "v": rng.normal(size=(3, 144)),
        "c": rng.normal(size=3), **norm_params(rng, "n", 4),
    }  # fmt: skip
    nodes = [
        input_node((2, 6, 6), STEPS, "real"),
        conv("c1", "clip", {"weight": "w", "bias": "b"}, padding=(1, 1)), norm("n", "c1"),
        spiking("a", "n"), node("f", "reshape", "a", shape=(144,)),
        node("fc", "linear", "f", params={"weight": "v", "bias": "c"}), spiking("z", "fc"),
    ]  # fmt: skip
    graph = built(nodes, {k: v.astype(np.float32) for k, v in params.items()}, STEPS)
    return ns.passes.snap_weights(graph, clip_bound=3.0)


def test_a_lowered_graph_comes_back_with_its_spikes() -> None:
    lowered = ns.lower(normed())
    assert any("affine_bias" in n.params for n in lowered.nodes)
    back = ns.from_nir(ns.to_nir(lowered))
    mine, theirs = (ns.simulate(g, CLIP, "dense", record="spikes") for g in (lowered, back))
    assert torch.equal(mine.outputs, theirs.outputs)
    assert mine.trace.values.keys() == theirs.trace.values.keys()
    assert all(
        np.array_equal(mine.trace.values[n], theirs.trace.values[n]) and mine.trace.values[n].any()
        for n in mine.trace.values
    )
    assert mine.synaptic_operations() == theirs.synaptic_operations()


def test_a_norm_behind_a_sum_stays_and_is_named() -> None:
    rng = np.random.default_rng(0)
    nodes = [
        input_node((2, 6, 6), STEPS, "real"), conv("c1", "clip", {"weight": "w"}),
        conv("c2", "clip", {"weight": "x"}), node("s", "add", "c1", "c2"), norm("n", "s"),
        spiking("a", "n"),
    ]  # fmt: skip
    weights = {k: rng.normal(size=(4, 2, 3, 3)) for k in "wx"}
    params = {k: v.astype(np.float32) for k, v in (weights | norm_params(rng, "n", 4)).items()}
    lowered = ns.lower(built(nodes, params, STEPS))
    with pytest.raises(NirError, match="a norm in front of it, kept in the neuron.: 'a'"):
        ns.to_nir(lowered)


def test_a_graph_without_affines_is_the_same_graph() -> None:
    graph = normed()
    assert unsunk(graph) is graph


def test_a_part_of_a_graph() -> None:
    lowered = ns.lower(normed())
    made = ns.to_nir(lowered, outputs=["a"])
    assert "fc" not in made.nodes
    back = ns.from_nir(made)
    spikes = ns.simulate(lowered, CLIP, "dense", record=["a"]).trace.values["a"]
    assert np.array_equal(ns.simulate(back, CLIP, "dense").outputs.numpy(), spikes)
    with pytest.raises(NirError, match="there is no 'q'"):
        ns.to_nir(lowered, outputs=["q"])
