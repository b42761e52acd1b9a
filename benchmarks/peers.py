"""The same network and input on other simulators, and what other tools' counting costs.

Peers are optional: one that is not installed is named and left out. SANA-FE (GPL-3) and Lava run in
processes of their own and report the seconds of their runs. ``PYTHONPATH`` may point to a folder
where ``pip install --target`` put them.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import neurosim as ns
from benchmarks.common import Row, interleaved, main, row, seconds
from benchmarks.networks import build, events

SANAFE, LAVA = (1024, 1000, 1000), (1000, 1000, 380)  # neurons, fan-out, steps
RATE, GOES = 0.1, 3


class Cell(nn.Module):
    """One step of LIF neurons behind a matrix, with or without a recurrent one (delay 1)."""

    def __init__(self, weight: Tensor, recurrent: Tensor | None, threshold: float) -> None:
        super().__init__()
        from norse.torch import LIFBoxCell, LIFBoxParameters

        self.w = nn.Linear(*weight.shape[::-1], bias=False)
        self.w.weight.data = weight
        self.back = None if recurrent is None else nn.Linear(*recurrent.shape, bias=False)
        if self.back is not None:
            assert recurrent is not None
            self.back.weight.data = recurrent
        box = LIFBoxParameters(tau_mem_inv=torch.tensor(100.0), v_th=torch.tensor(threshold))
        self.lif = LIFBoxCell(box)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Spikes and the next state."""
        z, held = (torch.zeros_like(x), None) if state is None else state
        current = self.w(x)
        if self.back is not None:
            current = current + self.back(z)
        z, held = self.lif(current, held)
        return z, (z, held)


def matrix(neurons: int, fan_out: int, scale: float, seed: int) -> Tensor:
    """Weights (out, in), ``fan_out`` non-zero ones a source, on a grid."""
    rng = np.random.default_rng(seed)
    weight = (rng.integers(1, 64, (neurons, neurons)) * scale).astype(np.float32)
    for source in range(neurons):
        weight[rng.choice(neurons, neurons - fan_out, replace=False), source] = 0
    return torch.from_numpy(weight)


def ours(neurons: int, fan_out: int, steps: int, recurrent: bool) -> tuple[float, int]:
    """The least seconds of a run, and its synaptic events."""
    back = matrix(neurons, fan_out, 2.0**-12, 1) if recurrent else None
    cell = Cell(matrix(neurons, fan_out, 2.0**-10, 0), back, 0.8).eval()
    generator = torch.Generator().manual_seed(0)
    clip = (torch.rand(steps, 1, neurons, generator=generator) < RATE).float()
    graph = ns.lower(ns.capture(ns.stepwise(cell), clip[:6], kind="spike"))
    run = ns.simulate(graph, clip)
    made = run.synaptic_operations() - run.counts.total("synapse_zero")
    return min(seconds(lambda: ns.simulate(graph, clip)) for _ in range(GOES)), made


def theirs(peer: str, recurrent: bool) -> tuple[float, int] | None:
    """Seconds and synaptic events of a peer's run, in its own process; None where it is absent."""
    script = Path(__file__).with_name(f"peer_{peer}.py")
    command = [sys.executable, str(script), *(["--recurrent"] if recurrent else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    except subprocess.TimeoutExpired:
        print(f"{peer}: no answer after 400 s", file=sys.stderr)
        return None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{peer}: absent or failed ({said})", file=sys.stderr)
        return None
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found["seconds"], found["events"]


def simulators() -> Iterator[Row]:
    """Synaptic events a second, ours over theirs."""
    bars = {("sanafe", False): ">= 100", ("sanafe", True): ">= 20", ("lava", False): ">= 20",
            ("lava", True): ">= 3"}  # fmt: skip
    for (peer, recurrent), bar in bars.items():
        other = theirs(peer, recurrent)
        if other is None:
            continue
        sizes = SANAFE if peer == "sanafe" else LAVA
        mine, made = ours(*sizes, recurrent)
        rates = made / mine, other[1] / other[0]
        case = f"{sizes[0]} to {sizes[0]} LIF, fan-out {sizes[1]}, {sizes[2]} steps"
        yield Row(case + (", recurrent" if recurrent else ""), peer, "events/s",
                  rates[0] / rates[1], bar, ours_s=mine, peer_s=other[0],
                  note=f"{rates[0] / 1e6:,.0f} and {rates[1] / 1e6:,.0f} M/s")  # fmt: skip


def counters(pairs: int) -> list[Row]:
    """Time of the model with a tool's counters on it, and of our simulation, over its forward."""
    size, clip = 64, events(20, 4, 64)
    model = build("folded", size)
    graph = ns.lower(ns.capture(model, clip[:, :1], kind="spike"))
    calls = {"forward": lambda: model(clip), "neurosim": lambda: ns.simulate(graph, clip)}
    peers = {"spikingjelly": _spikingjelly, "sinabs": _sinabs, "neurobench": _neurobench}
    for name, make in peers.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name}: not installed", file=sys.stderr)
            continue
        try:
            calls[name] = make(size, clip)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    with torch.no_grad():
        times = interleaved(calls, pairs)
    return [
        row("conv SNN 64x64, T=20, B=4, counted", "share", times[name], "the forward alone",
            times["forward"], note=name)
        for name in calls if name != "forward"
    ]  # fmt: skip


def _spikingjelly(size: int, clip: Tensor):  # type: ignore[no-untyped-def]
    """Its own op counter (SynOps) around the same forward."""
    from spikingjelly.activation_based import op_counter

    model = build("folded", size)

    def call() -> None:
        with op_counter.DispatchCounterMode([op_counter.SynOpCounter()]):
            model(clip)

    return call


def _sinabs(size: int, clip: Tensor):  # type: ignore[no-untyped-def]
    """Its synops counter on the same network of its own layers."""
    import sinabs.layers as sl
    from sinabs.synopcounter import SNNAnalyzer

    a, b = 16, 32
    net = nn.Sequential(
        nn.Conv2d(2, a, 3, padding=1), sl.LIFSqueeze(tau_mem=2.0, batch_size=clip.shape[1]),
        nn.Conv2d(a, b, 3, 2, 1), sl.LIFSqueeze(tau_mem=2.0, batch_size=clip.shape[1]),
        nn.Conv2d(b, b, 3, 2, 1), sl.LIFSqueeze(tau_mem=2.0, batch_size=clip.shape[1]),
        nn.Flatten(),
        nn.Linear(b * (size // 4) ** 2, 10),
    )  # fmt: skip
    SNNAnalyzer(net)
    return lambda: [net(frame) for frame in clip]


def _neurobench(size: int, clip: Tensor):  # type: ignore[no-untyped-def]
    """Its synaptic operations, from the inputs that its hooks keep of every layer."""
    from neurobench.metrics.manager.workload_manager import WorkloadMetricManager
    from neurobench.metrics.workload import SynapticOperations
    from neurobench.models import TorchModel

    model = TorchModel(build("folded", size))
    metrics = WorkloadMetricManager([SynapticOperations])
    metrics.register_hooks(model)

    def call() -> None:
        metrics.initialize_metrics()
        preds = model(clip)
        metrics.run_metrics(model, preds, (clip, clip), clip.shape[1], clip.shape[1])
        metrics.reset_hooks(model)

    return call


def rows(pairs: int, only: str) -> Iterator[Row]:
    """All of it."""
    parts = {"simulators": simulators, "counters": lambda: counters(pairs)}
    for name, part in parts.items():
        if only in name:
            yield from part()


if __name__ == "__main__":
    main(rows, __doc__)
