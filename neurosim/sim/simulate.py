"""``simulate(graph, clip)``: run, count, and hand back a Run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import ClipError, SimulationError
from neurosim.ir.counts import CountsBuilder
from neurosim.ir.graph import Graph, Node
from neurosim.ir.manifest import Manifest
from neurosim.ir.run import Run, Trace
from neurosim.ir.types import Kind
from neurosim.sim.choice import chooser
from neurosim.sim.executor import Executor
from neurosim.sim.layout import from_slices, to_slices
from neurosim.sim.schedule import bytes_per_step

MEMORY_BUDGET = 256 * 2**20
_EVENTS_A_NODE = 9  # upper estimate, to size the table of counts


def simulate(
    graph: Graph,
    clip: Any,
    engine: str | Run = "auto",
    *,
    chunk: int | None = None,
    window: int | None = None,
    hop: int | None = None,
    device: str = "cpu",
    record: str | Iterable[str] | None = None,
    memory_budget: int = MEMORY_BUDGET,
    manifest: Manifest | None = None,
) -> Run:
    """Execute ``graph`` over ``clip`` and count every event exactly.

    ``clip``: the layout the model was captured with, [T, B, C, H, W] by default. ``engine``:
    "dense" (torch),
    "event" (compiled event-driven kernels), "auto" (the faster of the two per node), or a Run whose
    choices are
    replayed; the choice never changes a figure. ``chunk``: steps run at a time (default: what fits
    ``memory_budget``
    bytes). ``window``/``hop``: cut a long clip into windows of that many steps, each a sample with
    fresh state.
    ``record``: "spikes", "all", or node names, kept in ``Run.trace``.

    Raises ClipError: wrong shape, NaN, or not the kind that was declared. SimulationError: an
    engine or record that
    does not exist, or a clip longer than an operator that needs every step was captured for.
    """
    source = to_slices(graph, clip)
    check_clip(graph, source)
    check_device(device)
    source, left_out = cut_windows(source, window, hop)
    check_length(graph, source.shape[0])
    source = source.to(device)
    if chunk is not None and chunk < 1:
        raise SimulationError(f"chunk={chunk}: give 1 step or more, or None")
    keep = recorded(graph, record)
    steps, samples = source.shape[:2]
    size = chunk or chunk_steps(graph, samples, steps, memory_budget)
    counts = CountsBuilder(samples, steps, len(graph) * _EVENTS_A_NODE)
    choice = chooser(engine, device)
    executor = Executor(
        graph,
        prepare(graph, device),
        counts,
        choice,
        keep | frozenset(graph.outputs),
        choice.kernels,
    )
    with torch.no_grad(), exact_float32():
        for start in range(0, steps, size):
            executor.feed(source[start : start + size], start + size >= steps)
    outputs = from_slices(graph, {name: executor.result(name) for name in graph.outputs})
    trace = Trace({n: _recorded(graph[n], executor.result(n)) for n in sorted(keep)})
    base = manifest or Manifest(model=str(graph.meta.get("model", "")))
    done = base.with_(
        pipeline=graph.pipeline,
        engine=choice.name,
        engine_by_node=dict(choice.chosen),
        chunk_steps=size,
        window=None if window is None else (window, hop or window),
        binned=_binned(counts),
        notes=(*base.notes, *opaque_notes(graph), *window_notes(left_out)),
    )
    return Run(counts.finish(), graph.facts(), done, outputs, trace, graph)


def opaque_notes(graph: Graph) -> tuple[str, ...]:
    """What was run through torch and billed as arithmetic because ``strict=False`` allowed it."""
    return tuple(map(str, graph.meta.get("notes", ()))) + tuple(
        f"{n.name} ({n.attrs['target']}) has no rule: run through torch, billed as 1 special per "
        "output element"
        for n in graph.nodes
        if n.op == "opaque"
    )


def cut_windows(clip: Tensor, window: int | None, hop: int | None) -> tuple[Tensor, int]:
    """The clip in windows when that is asked for, and the steps at its end that fill none.

    Raises SimulationError: a hop without a window. ClipError: shorter than one window.
    """
    if window is None:
        if hop is not None:
            raise SimulationError(f"hop={hop} without a window; say window= too")
        return clip, 0
    hop = window if hop is None else hop
    return windows(clip, window, hop), (len(clip) - window) % hop


def check_device(device: str) -> None:
    """Raise SimulationError for a device that this torch does not have."""
    try:
        torch.empty(0, device=device)
    except Exception as error:
        found = " ".join(str(error).split())[:80]
        raise SimulationError(
            f"device {device!r} is not available ({found}); use device='cpu'"
        ) from None


def window_notes(left_out: int) -> tuple[str, ...]:
    """That the end of the clip filled no window."""
    return (f"the last {left_out} steps fill no window and were left out",) if left_out > 0 else ()


def check_clip(graph: Graph, clip: Tensor) -> None:
    """Raise ClipError unless (steps, samples, *shape) fits the captured input and holds what was
    declared."""
    if not clip.shape[0] or not clip.shape[1]:
        raise ClipError(
            f"the clip has {clip.shape[0]} steps and {clip.shape[1]} samples; give at least one "
            "of each"
        )
    for node in graph.inputs:
        if tuple(clip.shape[2:]) != node.value.shape:
            got, want = "x".join(map(str, clip.shape[2:])), "x".join(map(str, node.value.shape))
            raise ClipError(
                f"the clip's frames are {got}, the graph was captured for {want}; capture it "
                "again or resize"
            )
        if not bool(torch.isfinite(clip).all()):
            where = torch.nonzero(~torch.isfinite(clip))[0].tolist()
            raise ClipError(
                f"the clip holds NaN or infinity, first at step {where[0]}, sample {where[1]}; "
                "clean it first"
            )
        if node.value.kind is Kind.REAL:
            continue
        lo, hi = node.value.lo, node.value.hi
        if bool(((clip != clip.round()) | (clip < lo) | (clip > hi)).any()):
            raise ClipError(
                f"the clip was declared {node.value.kind.value} ({lo}..{hi}) but holds values "
                f"from {float(clip.min()):g} "
                f"to {float(clip.max()):g}; declare kind='real' or give events"
            )


def check_length(graph: Graph, steps: int) -> None:
    """Raise SimulationError when an operator was captured for a fixed number of steps and gets
    another."""
    if steps == graph.steps:
        return
    for node in graph.nodes:
        fixed = node.op in ("temporal_convolution", "time_to_axis") or (
            node.op == "time_reduce" and node.attrs["mode"] == "at" and node.attrs["step"] >= 0
        )
        fixed = fixed or any(_per_step(node, role, graph) for role in node.params)
        if fixed:
            raise SimulationError(
                f"at {node.name!r} ({node.op}): needs exactly the {graph.steps} steps it was "
                f"captured with, got {steps}; "
                f"pass window={graph.steps} to run a longer clip in windows with fresh state"
            )


def _per_step(node: Node, role: str, graph: Graph) -> bool:
    rows = graph.params[node.params[role]].shape[:1]
    stepwise = bool(node.attrs.get("per_step")) or role.startswith("affine_")
    return stepwise and rows != (1,)


def windows(clip: Tensor, window: int, hop: int) -> Tensor:
    """(steps, samples, …) → (window, samples × windows, …); sample-major, the tail that fills no
    window is left out.

    Raises ClipError: shorter than one window. SimulationError: a window or hop of no step.
    """
    if window < 1 or hop < 1:
        raise SimulationError(f"window={window}, hop={hop}: give 1 step or more of each")
    if len(clip) < window:
        raise ClipError(
            f"the clip has {len(clip)} steps, fewer than one window of {window}; give a longer clip"
        )
    starts = range(0, len(clip) - window + 1, hop)
    return torch.stack([clip[s : s + window] for s in starts], 2).flatten(1, 2)


def recorded(graph: Graph, record: str | Iterable[str] | None) -> frozenset[str]:
    """Node names to keep. Raises SimulationError for a name that does not exist."""
    if record is None:
        return frozenset()
    if record == "all":
        return frozenset(n.name for n in graph.nodes)
    if record == "spikes":
        return frozenset(n.name for n in graph.neurons())
    names = [record] if isinstance(record, str) else list(record)
    unknown = [n for n in names if n not in graph.by_name]
    if unknown:
        raise SimulationError(
            f"record: no node called {', '.join(unknown)}; see neurosim graph MODEL"
        )
    return frozenset(names)


def _recorded(node: Node, value: Tensor) -> np.ndarray:
    found = value.numpy(force=True)
    found = found[0] if node.value.steps is None else found
    integers = node.value.kind is Kind.SPIKE and node.value.uniform and node.value.scale == 1.0
    return found.astype(np.uint8) if integers else found


def chunk_steps(graph: Graph, samples: int, steps: int, memory_budget: int) -> int:
    """As many steps as fit the budget; all of them when that is what fits."""
    return max(1, min(steps, memory_budget // bytes_per_step(graph, samples)))


def prepare(graph: Graph, device: str) -> dict[str, dict[str, Tensor]]:
    """Parameters as tensors by node and role; 2-D kernels in channels-last order, which torch's 1×1
    kernels prefer."""
    shared: dict[tuple[str, bool], Tensor] = {}
    found: dict[str, dict[str, Tensor]] = {}
    for node in graph.nodes:
        found[node.name] = {}
        for role, key in node.params.items():
            kernel = node.op == "convolution" and role == "weight" and graph.params[key].ndim == 4
            if (key, kernel) not in shared:
                tensor = torch.from_numpy(np.ascontiguousarray(graph.params[key])).to(device)
                shared[key, kernel] = (
                    tensor.contiguous(memory_format=torch.channels_last) if kernel else tensor
                )
            found[node.name][role] = shared[key, kernel]
    return found


class exact_float32:
    """No TF32 and no autotuned kernels while it lasts."""

    def __enter__(self) -> None:
        cuda = torch.backends.cuda.matmul
        self._before = (
            cuda.allow_tf32,
            torch.backends.cudnn.allow_tf32,
            torch.backends.cudnn.benchmark,
        )
        cuda.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False

    def __exit__(self, *_: object) -> None:
        cuda = torch.backends.cuda.matmul
        cuda.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = (
            self._before
        )


def _binned(counts: CountsBuilder) -> str:
    parts = []
    if counts.steps_per_bin > 1:
        parts.append(f"{counts.steps_per_bin} steps a bin")
    if counts.rows != counts.samples:
        parts.append(f"{counts.samples} samples summed")
    return ", ".join(parts)
