"""What every captured model is put through: outputs, and MACs against torch's own counter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from neurosim.capture.capture import capture
from neurosim.ir.graph import Graph
from neurosim.sim.simulate import simulate


class Model(nn.Module):
    """``function(model, clip)`` with the given sub-modules and parameters."""

    def __init__(self, function: Callable[..., Any], *modules: nn.Module, **named: Any) -> None:
        super().__init__()
        self.function = function
        self.m = nn.ModuleList(modules)
        for name, value in named.items():
            setattr(self, name, value)
        self.eval()

    def forward(self, clip: Tensor) -> Any:
        return self.function(self, clip)


def folded(*modules: nn.Module) -> Model:
    """Time and batch folded into one axis around a chain of layers."""
    return Model(
        lambda s, x: s.net(x.flatten(0, 1)).unflatten(0, x.shape[:2]), net=nn.Sequential(*modules)
    )


def captured(model: Any, clip: Tensor, flops: bool = True, **options: Any) -> Graph:
    """The graph, once simulated outputs equal the model's and Σ dense_macs × 2 equals torch's
    count."""
    graph = capture(model, clip, **options)
    with torch.no_grad():
        expected = model(clip)
    same(expected, simulate(graph, clip, "dense").outputs)
    if flops:
        assert 2 * sum(graph.dense_macs().values()) == counted_flops(model, clip)
    return graph


def counted_flops(model: Any, clip: Tensor) -> int:
    """FlopCounterMode with the MATH attention back end and the MHA fast path off."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            torch.no_grad(),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            model(clip)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return counter.get_total_flops()


def same(expected: Any, found: Any) -> None:
    """Equal to rounding; None in ``found`` stands for a state that nobody computes with."""
    if found is None:
        return
    if isinstance(expected, Tensor):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    elif isinstance(expected, dict):
        assert list(expected) == list(found)
        for key in expected:
            same(expected[key], found[key])
    else:
        assert len(expected) == len(found)
        for a, b in zip(expected, found, strict=True):
            same(a, b)


def ops(graph: Graph) -> list[str]:
    """Operator names in order, the input left out."""
    return [node.op for node in graph if node.op != "input"]
