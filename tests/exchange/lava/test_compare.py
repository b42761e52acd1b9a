"""Spikes in Lava's own processes against ours: every layer, every neuron, every step.

One small network with a dense and a convolutional part runs by default; those of ``networks``, 100
steps in fixed and in floating point, and two models of the zoo are ``slow`` (minutes).
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from neurosim import passes
from neurosim.errors import SimulationError
from neurosim.exchange.lava.compare import Comparison, Layer, _layer, compare_with_lava
from neurosim.ir.graph import Graph
from tests.exchange.lava.networks import CASES, Case, biased, fire, spikes, weight
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import conv

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lava") is None, reason="lava-nc is not installed"
)


def two_parts(steps: int) -> Case:
    """A strided, padded convolution with bias, and a dense layer, of the same clip."""
    rng = np.random.default_rng(0)
    params = {"c.w": weight(rng, 3, 2, 3, 3), "d.w": weight(rng, 8, 50), "e.w": weight(rng, 5, 8)}
    nodes = [
        input_node((2, 5, 5), steps),
        conv("c", "clip", biased(rng, params, "c"), stride=(2, 1), padding=(1, 1)),
        fire("c.n", "c"),
        node("flat", "reshape", "clip", shape=(50,)),
        node("d", "linear", "flat", params={"weight": "d.w"}),
        fire("d.n", "d"),
        node("e", "linear", "d.n", params={"weight": "e.w"}),
        fire("e.n", "e"),
    ]
    return Case(built(nodes, params, steps, 1, ("c.n", "e.n")), spikes(steps, 2, 5, 5))


def fires(found: Comparison) -> bool:
    """Whether every layer speaks, and none all the time."""
    return all(0.01 < layer.spikes / layer.neuron_steps < 0.9 for layer in found.layers.values())


def test_a_dense_and_a_convolutional_network_in_fixed_point() -> None:
    case = two_parts(30)
    found = compare_with_lava(passes.quantize(case.graph), case.clip, timeout_seconds=60)
    assert found.bit_identical and found.fixed and fires(found)
    assert {n: layer.depth for n, layer in found.layers.items()} == {"c.n": 1, "d.n": 1, "e.n": 2}


def test_a_spike_more_a_step_late_or_too_early_is_seen() -> None:
    ours = np.zeros((4, 1, 2, 3), np.uint8)
    ours[1, 0, 1, 2] = 1
    order = np.arange(6).reshape(3, 2).T
    lava = np.zeros((6, 3, 2), np.uint8)
    lava[3, 2, 1] = 1
    exact = _layer(ours, [lava], order, 2)
    assert exact == Layer(2, 24, 1, 1, 0, 0) and exact.identical == 1.0
    late = _layer(ours, [np.roll(lava, 1, axis=0)], order, 2)
    assert late.different == 2 and late.early == 0
    early = lava.copy()
    early[1, 0, 0] = 1
    assert _layer(ours, [early], order, 2) == Layer(2, 24, 1, 2, 0, 1)
    assert not Comparison({"n": _layer(ours, [early], order, 2)}, True, 4, 1, {}).bit_identical


def test_a_run_that_takes_too_long_is_ended() -> None:
    case = two_parts(5)
    with pytest.raises(SimulationError, match="not done after 0.3 s; .*--timeout"):
        compare_with_lava(case.graph, case.clip, timeout_seconds=0.3)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CASES)
def test_networks_of_100_steps(name: str) -> None:
    case = CASES[name](100)
    fixed = compare_with_lava(passes.quantize(case.graph), case.clip, timeout_seconds=250)
    assert fixed.bit_identical and fires(fixed)
    floating = compare_with_lava(case.graph, case.clip, timeout_seconds=250)
    assert not floating.fixed and fires(floating)
    assert all(layer.identical >= 0.999 and not layer.early for layer in floating.layers.values())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_several_samples() -> None:
    case = two_parts(12)
    clip = np.concatenate([case.clip, spikes(12, 2, 5, 5, rate=0.4)], axis=1)
    found = compare_with_lava(passes.quantize(case.graph), clip, timeout_seconds=100)
    assert found.bit_identical and found.samples == 2


def zoo(name: str, clip: torch.Tensor, kind: str) -> Graph:
    import neurosim as ns

    graph = ns.capture(ns.models.load(name, _weights(name)), clip, kind=kind)
    return passes.lower(passes.average_bn(graph))


def _weights(name: str) -> str | None:
    from neurosim import models

    return "pretrained" if models.card(name).weights else None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_convolutional_stages_of_svformer_tiny() -> None:
    from neurosim.data import sets
    from neurosim.models import card

    videos = sets.open("motion", None, "test", recipe=card("svformer_tiny").recipe, number=1)
    clip = videos.view(0)[:, None]
    graph = zoo("svformer_tiny", clip, "real")
    last = ["patch_embed3.in_lif"]
    fixed = compare_with_lava(passes.quantize(graph), clip, until=last, timeout_seconds=400)
    assert fixed.bit_identical and fires(fixed) and len(fixed.layers) == 8
    floating = compare_with_lava(graph, clip, until=last, timeout_seconds=400)
    assert all(layer.identical >= 0.999 for layer in floating.layers.values())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_norse_network_of_the_zoo() -> None:
    torch.manual_seed(0)
    clip = (torch.rand(30, 1, 2, 34, 34) < 0.1).float()
    graph = zoo("norse_conv", clip, "spike")
    fixed = compare_with_lava(passes.quantize(graph), clip, timeout_seconds=120)
    assert fixed.bit_identical and fires(fixed) and len(fixed.layers) == 3
    floating = compare_with_lava(graph, clip, timeout_seconds=120)
    assert all(layer.identical >= 0.999 for layer in floating.layers.values())
