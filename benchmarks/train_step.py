"""A training step of svformer_tiny on our PLIF, beside norse's stock cells and a compiled scan.

    python benchmarks/train_step.py [--batch 16] [--pairs 7] [--threads 2] [--no-compile]

Forward and backward of the whole network, in interleaved pairs in one process; medians. Rivals have
the same layers and the same norms, and differ in the neurons alone:

- norse: each PLIF is norse's own ``LIFBoxCell``, called once a step in a Python loop;
- steps: each PLIF calls norse's functional step T times (what the fused scan replaces);
- compiled: the T steps of the PLIF equation in a loop under ``torch.compile``.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import torch
import torch._dynamo
from norse.torch import LIFBoxCell, LIFBoxParameters
from torch import Tensor, nn
from torch.nn import functional

import neurosim as ns
from neurosim.nn._layout import channels_last, weights_channels_last
from neurosim.nn.plif import PLIF

torch._dynamo.config.recompile_limit = 64  # a graph for every shape of layer


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


def step(model: nn.Module, clip: Tensor, labels: Tensor) -> float:
    """Seconds of one forward and backward."""
    model.zero_grad()
    begin = time.perf_counter()
    functional.cross_entropy(model(clip), labels).backward()
    return time.perf_counter() - begin


def main() -> None:
    """Print the medians and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("--batch", 16), ("--pairs", 7), ("--threads", 2)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--no-compile", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    ours = ns.models.load("svformer_tiny", weights=None).train()
    weights_channels_last(ours)
    models = {
        "ours, fused": ours,
        "norse's cells, stepped": swapped(ours, lambda layer: NorseLoop(layer.v_threshold)),
        "norse's functional steps": swapped(ours, stepping),
    }
    if not given.no_compile:
        models["compiled scan"] = swapped(ours, lambda layer: CompiledScan(layer.v_threshold))
    clip = channels_last(torch.randn(16, given.batch, 3, 64, 64))
    labels = torch.arange(given.batch) % 10
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for pair in range(given.pairs + 1):
        for name, model in models.items():
            found = step(model, clip, labels)
            if pair:
                seconds[name].append(found)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    first = medians["ours, fused"]
    print(f"svformer_tiny, forward and backward, batch {given.batch}, {given.threads} threads:")
    for name, median in medians.items():
        print(f"  {name:26s} {median * 1e3:8.1f} ms   ours/it {first / median:.3f}")


if __name__ == "__main__":
    main()
