"""A training step of svformer_tiny on our PLIF, beside norse's stock cells and a compiled scan.

Forward and backward of the whole network, in interleaved pairs in one process; medians. Rivals have
the same layers and the same norms, and differ in the neurons alone:

- norse: each PLIF is norse's own ``LIFBoxCell``, called once a step in a Python loop;
- steps: each PLIF calls norse's functional step T times (what the fused scan replaces);
- compiled: the T steps of the PLIF equation in a loop under ``torch.compile``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import torch
import torch._dynamo
from norse.torch import LIFBoxCell, LIFBoxParameters
from torch import Tensor, nn
from torch.nn import functional

import neurosim as ns
from benchmarks.common import Row, interleaved, main, row
from neurosim.nn._layout import channels_last, weights_channels_last
from neurosim.nn.plif import PLIF

torch._dynamo.config.recompile_limit = 64  # a graph for every shape of layer
BATCH = 16
BARS = {"norse's cells, stepped": "<= 0.7", "compiled scan": "<= 1.1"}


class NorseLoop(nn.Module):
    """norse's stock cell, stepped."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.cell = LIFBoxCell(
            LIFBoxParameters(tau_mem_inv=torch.tensor(0.5), v_th=torch.tensor(threshold)), dt=1.0
        )

    def forward(self, x: Tensor) -> Tensor:
        """[T, …] → spikes."""
        state, out = None, []
        for slice_ in x:
            z, state = self.cell(slice_, state)
            out.append(z)
        return torch.stack(out)


class Triangle(torch.autograd.Function):
    """norse's triangle surrogate, as torch.compile takes it."""

    @staticmethod
    def forward(ctx, x):  # noqa: D102
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):  # noqa: D102
        (x,) = ctx.saved_tensors
        return grad * 0.5 * torch.relu(1 - x.abs())


def scan(x: Tensor, w: Tensor, threshold: float) -> Tensor:
    """The PLIF equation, step by step."""
    decay, v, out = torch.sigmoid(w), torch.zeros_like(x[0]), []
    for t in range(x.shape[0]):
        h = v + decay * (x[t] - v)
        z = Triangle.apply(h - threshold)
        v = (1 - z.detach()) * h
        out.append(z)
    return torch.stack(out)


class CompiledScan(nn.Module):
    """``scan`` under torch.compile, one graph a shape."""

    run = staticmethod(torch.compile(scan, dynamic=False))

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.w, self.threshold = nn.Parameter(torch.zeros(())), threshold

    def forward(self, x: Tensor) -> Tensor:
        """[T, …] → spikes."""
        return self.run(x, self.w, self.threshold)


def swapped(model: nn.Module, make: Callable[[PLIF], nn.Module]) -> nn.Module:
    """A copy with every PLIF replaced."""
    made = copy.deepcopy(model)
    for name, layer in list(made.named_modules()):
        if isinstance(layer, PLIF):
            parent, _, child = name.rpartition(".")
            setattr(made.get_submodule(parent), child, make(layer))
    return made


def stepping(layer: PLIF) -> nn.Module:
    """The same layer, its gradient made step by step."""
    made = copy.deepcopy(layer)
    made.scan = "steps"
    return made


def step(model: nn.Module, clip: Tensor, labels: Tensor) -> None:
    """One forward and backward."""
    model.zero_grad()
    functional.cross_entropy(model(clip), labels).backward()


def rows(pairs: int, only: str) -> list[Row]:
    """Ours over each rival, batch 16."""
    torch.manual_seed(0)
    ours = ns.models.load("svformer_tiny", weights=None).train()
    weights_channels_last(ours)
    models = {
        "ours": ours,
        "norse's cells, stepped": swapped(ours, lambda layer: NorseLoop(layer.v_threshold)),
        "norse's functional steps": swapped(ours, stepping),
        "compiled scan": swapped(ours, lambda layer: CompiledScan(layer.v_threshold)),
    }
    clip = channels_last(torch.randn(16, BATCH, 3, 64, 64))
    labels = torch.arange(BATCH) % 10
    times = interleaved({n: partial(step, m, clip, labels) for n, m in models.items()}, pairs)
    case = f"training step of svformer_tiny, batch {BATCH}"
    return [row(case, "share", times["ours"], name, times[name], BARS.get(name, ""))
            for name in list(models)[1:]]  # fmt: skip


if __name__ == "__main__":
    main(rows, __doc__)
