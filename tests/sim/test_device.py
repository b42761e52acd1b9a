"""On a CUDA device the dense path counts what the CPU counts; skipped without one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.passes import snap_weights
from neurosim.sim.prepare import exact_float32
from neurosim.sim.simulate import simulate
from tests.passes.networks import RandomNet, clip

ON_DEVICE = pytest.mark.gpu
ZOO = ("svformer_tiny", "norse_conv", "dvs_conv")


def zoo(name: str) -> tuple[ns.Graph, torch.Tensor]:
    recipe = ns.models.card(name).recipe
    events = recipe.channels == "events"
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(recipe.frames, 2, 2 if events else 3, *recipe.size, generator=generator)
    x = (x > 1).float() if events else (4 * x).round() / 4
    kind = "spike" if events else "real"
    return snap_weights(ns.lower(ns.capture(ns.models.load(name), x, kind=kind))), x


@ON_DEVICE
@pytest.mark.parametrize("seed", range(8))
def test_random_networks_are_bit_equal(seed: int) -> None:
    graph = snap_weights(RandomNet(seed).graph())
    cpu, cuda = (simulate(graph, clip(seed), "dense", device=d, record="all")
                 for d in ("cpu", "cuda"))  # fmt: skip
    assert cpu.counts == cuda.counts
    for name, value in cpu.trace.values.items():
        np.testing.assert_array_equal(cuda.trace[name], value, err_msg=name)


@ON_DEVICE
@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_spikes_alike(name: str) -> None:
    graph, x = zoo(name)
    cpu = simulate(graph, x, "dense", record="spikes")
    for chunk in (None, 5 if name != "svformer_tiny" else None):
        cuda = simulate(graph, x, "auto", device="cuda", record="spikes", chunk=chunk)
        assert set(cuda.manifest.engine_by_node.values()) == {"dense"}
        for neuron, value in cpu.trace.values.items():
            if graph[neuron].op == "neuron":
                np.testing.assert_array_equal(cuda.trace[neuron], value, err_msg=neuron)
        assert cpu.counts == cuda.counts


@ON_DEVICE
def test_a_stream_on_the_device() -> None:
    graph, x = zoo("norse_conv")
    whole = simulate(graph, x, "dense")
    assert simulate(graph, iter(x.split(3)), device="cuda").counts == whole.counts


def test_no_short_cuts_while_it_runs() -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (cudnn.allow_tf32, cudnn.benchmark, matmul.allow_tf32)
    with exact_float32():
        assert (cudnn.allow_tf32, cudnn.benchmark, matmul.allow_tf32) == (False, False, False)
    assert (cudnn.allow_tf32, cudnn.benchmark, matmul.allow_tf32) == before
