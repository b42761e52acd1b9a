"""``simulate(graph, clip)``: run, count, and hand back a Run."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import SimulationError
from neurosim.ir.counts import Counts, CountsBuilder
from neurosim.ir.graph import Graph, Node
from neurosim.ir.manifest import Manifest
from neurosim.ir.run import Run, Trace
from neurosim.ir.types import Kind
from neurosim.sim.checks import check_clip, check_device, check_length
from neurosim.sim.choice import Choice, chooser
from neurosim.sim.executor import Executor
from neurosim.sim.layout import from_slices, to_slices
from neurosim.sim.prepare import exact_float32, prepare, prepared
from neurosim.sim.schedule import EVENTS_A_NODE, budget, bytes_per_step
from neurosim.sim.updates import count_updates, looped
from neurosim.sim.windows import check_window, cut_windows, window_notes
from neurosim.threads._beside import offer

offer("neurosim.sim.warm", "--beside")


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
    memory_budget: int | None = None,
    reproducible: bool = False,
    updates: bool = False,
    manifest: Manifest | None = None,
) -> Run:
    """Execute ``graph`` over ``clip`` and count every event exactly.

    ``clip``: the layout the model was captured with, [T, B, C, H, W] by default; an iterator of
    such pieces, of any number of steps each, is run as it arrives, in constant memory
    (``sim.streaming``). ``engine``: "dense" (torch), "event" (compiled event-driven kernels),
    "auto" (the faster of the two per node and chunk), or a Run whose choices are replayed; the
    choice never changes a figure. ``chunk``: steps run at a time (default: what fits
    ``memory_budget`` bytes: 24 MB, or 256 where an operator needs all the steps at once anyway).
    ``window``/``hop``: cut a long clip into windows of that many steps, each a sample with fresh
    state.
    ``reproducible``: "auto" decides from the graph alone, not from this machine and this clip.
    ``record``: "spikes", "all", or node names, kept in ``Run.trace``.
    ``updates``: also count which neurons a chip updates by SANA-FE's rule (``neuron_updated``), and
    record them as ``NODE/updated`` where NODE is recorded; "spikes" are then those of a clip of
    events too, whose elements are neurons there.

    Raises ClipError: wrong shape, NaN, or not the kind that was declared. SimulationError: an
    engine or record that does not exist, a chunk or budget of nothing, or a clip longer than an
    operator that needs every step was captured for.
    """
    _check_amounts(chunk, memory_budget)
    check_device(device)
    keep = recorded(graph, record, updates)
    choice = chooser(engine, device, reproducible, prepared(graph).packed)
    how = _How(chunk, check_window(window, hop), device, memory_budget or budget(graph), manifest)
    if isinstance(clip, Iterator):
        if updates:
            raise SimulationError("updates: a clip that arrives in pieces has none; give a tensor")
        return _streamed(graph, clip, choice, keep, how)
    with _uncollected():
        return _whole(graph, clip, choice, keep, how, updates)


class _How(NamedTuple):
    """What ``simulate`` was asked for; ``room``: bytes of values alive at once."""

    chunk: int | None
    window: tuple[int, int] | None
    device: str
    room: int
    manifest: Manifest | None


def _whole(
    graph: Graph, clip: Any, choice: Choice, keep: frozenset[str], how: _How, updates: bool
) -> Run:
    source, left_out = _checked(graph, clip, how.window)
    source = source.to(how.device)
    steps, samples = source.shape[:2]
    size = how.chunk or chunk_steps(graph, samples, steps, how.room)
    counts = CountsBuilder(samples, steps, len(graph) * EVENTS_A_NODE)
    loops = looped(graph) if updates else frozenset()
    seen = keep | loops | frozenset(graph.outputs)
    executor = Executor(graph, prepare(graph, how.device), counts, choice, seen, choice.kernels)
    _feed(executor, source, size)
    fired = {name: executor.result(name) for name in loops}
    masks = count_updates(graph, source, counts, size, keep, fired) if updates else {}
    outputs = from_slices(graph, {name: executor.result(name) for name in graph.outputs})
    trace = Trace({n: _recorded(graph[n], executor.result(n)) for n in sorted(keep)} | masks)
    counted = counts.finish()
    done = _manifest(how, graph, choice, size, counted, window_notes(left_out))
    return Run(counted, graph.facts(), done, outputs, trace, graph)


def _check_amounts(chunk: int | None, memory_budget: int | None) -> None:
    if chunk is not None and chunk < 1:
        raise SimulationError(f"chunk={chunk}: give 1 step or more, or None")
    if memory_budget is not None and memory_budget < 1:
        raise SimulationError(f"memory_budget={memory_budget}: give 1 byte or more, or None")


def _checked(graph: Graph, clip: Any, window: tuple[int, int] | None) -> tuple[Tensor, int]:
    """(steps, samples, …) of the clip or of its windows, and the steps that fill none."""
    source = to_slices(graph, clip)
    check_clip(graph, source)
    source, left_out = cut_windows(source, window)
    check_length(graph, source.shape[0])
    return source, left_out


def _feed(executor: Executor, source: Tensor, size: int) -> None:
    """Every step, ``size`` at a time."""
    steps = source.shape[0]
    with torch.no_grad(), exact_float32():
        for start in range(0, steps, size):
            executor.feed(source[start : start + size], start + size >= steps)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage is collected meanwhile: a run makes many small objects and few cycles, and walking
    through all that torch holds costs up to a tenth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _streamed(
    graph: Graph,
    pieces: Iterator[Any],
    choice: Choice,
    keep: frozenset[str],
    how: _How,
) -> Run:
    from neurosim.sim.streaming import Stream

    if keep:
        raise SimulationError("record: a clip that arrives in pieces is not kept; give a tensor")
    check_length(graph, None if how.window is None else how.window[0])
    params = prepare(graph, how.device)
    stream = Stream(graph, pieces, params, choice, how.device, how.chunk, how.room)
    with torch.no_grad(), exact_float32():
        done = stream.unbroken() if how.window is None else stream.in_windows(*how.window)
    made = _manifest(how, graph, choice, done.chunk, done.counts, done.notes)
    outputs = from_slices(graph, done.outputs)
    return Run(done.counts, graph.facts(), made, outputs, Trace({}), graph)


def _manifest(
    how: _How,
    graph: Graph,
    choice: Choice,
    chunk: int,
    counts: Counts,
    notes: tuple[str, ...],
) -> Manifest:
    base = how.manifest or Manifest(model=str(graph.meta.get("model", "")))
    return base.with_(
        pipeline=graph.pipeline,
        engine=choice.name,
        engine_by_node=choice.record(),
        chunk_steps=chunk,
        window=how.window,
        binned=_binned(counts),
        notes=(*base.notes, *opaque_notes(graph), *notes),
    )


def opaque_notes(graph: Graph) -> tuple[str, ...]:
    """What was run through torch and billed as arithmetic because ``strict=False`` allowed it."""
    return tuple(map(str, graph.meta.get("notes", ()))) + tuple(
        f"{n.name} ({n.attrs['target']}) has no rule: run through torch, billed as 1 special per "
        "output element"
        for n in graph.nodes
        if n.op == "opaque"
    )


def recorded(
    graph: Graph, record: str | Iterable[str] | None, inputs: bool = False
) -> frozenset[str]:
    """Node names to keep; ``inputs``: a clip of events has spikes too.

    Raises SimulationError: a name that does not exist.
    """
    if record is None:
        return frozenset()
    if record == "all":
        return frozenset(n.name for n in graph.nodes)
    if record == "spikes":
        events = [n for n in graph.inputs if n.value.discrete] if inputs else []
        return frozenset(n.name for n in (*graph.neurons(), *events))
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
    """As many steps as fit the budget, in chunks of about the same length."""
    most = max(1, min(steps, memory_budget // bytes_per_step(graph, samples)))
    return -(-steps // -(-steps // most))


def _binned(counts: Counts) -> str:
    parts = []
    if counts.steps_per_bin > 1:
        parts.append(f"{counts.steps_per_bin} steps a bin")
    if counts.samples_summed:
        parts.append(f"{counts.samples} samples summed")
    return ", ".join(parts)
