"""On a CUDA device the dense path counts what the CPU counts; skipped without one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.ir.neuron import CHOICES, Neuron
from neurosim.ops._neuron_device import launches, scan_device
from neurosim.ops._neuron_scan import scan
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


def equations() -> list[Neuron]:
    """Every choice that the kernel knows, each at least once with every other kind of choice."""
    integrate, current, reset = (CHOICES[k] for k in ("integrate", "current", "reset"))
    found: list[Neuron] = []
    for k, (a, b, c) in enumerate(itertools.product(integrate, current, reset)):
        words: dict[str, Any] = {"integrate": a, "current": b, "reset": c,
                                 "fires": CHOICES["fires"][k % 2],
                                 "output": "v" if k % 7 == 6 else "spike"}  # fmt: skip
        found.append(
            Neuron(**words, v_decay=0.875, gain=0.75, k=0.3, v_leak=0.1, v_threshold=0.6,
                   v_reset=-0.2, i_decay=0.7, i_k=0.4, v_init=0.05, i_init=0.02)
        )  # fmt: skip
    return [*found, replace(found[0], fires="never", reset="none", output="v")]


@ON_DEVICE
@pytest.mark.parametrize("laid", [(0, 1, 2, 3, 4), (0, 1, 3, 4, 2), (1, 0, 2, 3, 4)])
@pytest.mark.parametrize("affine", [None, "one", "channel", "step", "place"])
def test_one_launch_is_the_scan(laid: tuple[int, ...], affine: str | None) -> None:
    generator = torch.Generator().manual_seed(len(str(affine)))
    x = torch.randn(6, 3, 4, 5, 7, generator=generator).cuda()
    x = x.permute(laid).contiguous().permute([laid.index(a) for a in range(5)])
    sizes = {"one": (1,), "channel": (1, 4, 1, 1), "step": (9, 4, 1, 1), "place": (9, 4, 1, 7)}
    arrays = {}
    if affine is not None:
        for role in ("affine_scale", "affine_bias"):
            arrays[role] = torch.randn(sizes[affine], generator=generator).cuda()
    for neuron in equations():
        assert launches(neuron, arrays)
        expected, after = scan(neuron, arrays, x, first_step=2)
        first, state = scan_device(neuron, arrays, x[:2], None, 2)
        second, state = scan_device(neuron, arrays, x[2:], state, 4)
        assert torch.equal(torch.cat([first, second]), expected), neuron
        assert state.keys() == after.keys()
        assert all(torch.equal(state[k], after[k]) for k in after), neuron


@ON_DEVICE
def test_other_equations_are_walked() -> None:
    plain = equations()[0]
    others: list[dict[str, Any]] = [
        {"refractory": 2}, {"v_min": -1.0}, {"max_spikes": 3, "fires": ">="},
        {"reset_at": "after"}, {"leak": "divide", "tau": 2.0},
    ]  # fmt: skip
    for other in others:
        assert launches(plain, {}) and not launches(replace(plain, **other), {})
    assert not launches(plain, {"v_threshold": torch.ones(4)})


def test_no_short_cuts_while_it_runs() -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (cudnn.allow_tf32, cudnn.benchmark, matmul.allow_tf32)
    with exact_float32():
        assert (cudnn.allow_tf32, cudnn.benchmark, matmul.allow_tf32) == (False, False, False)
    assert (cudnn.allow_tf32, cudnn.benchmark, matmul.allow_tf32) == before
