"""A clip that arrives in pieces: an hour of video in the memory of a second.

Unbroken: pieces pass through the graph as chunks of one clip. In windows: windows are gathered from
the pieces and run, several at a time, as samples with fresh state. Counts coarsen as they grow and
stay exact; outputs are kept while they are small (``OUTPUT_BUDGET``), else the last alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neurosim.errors import ClipError
from neurosim.ir.counts import Counts, CountsBuilder, CountsSum
from neurosim.ir.graph import Graph
from neurosim.sim.checks import check_clip
from neurosim.sim.choice import Choice
from neurosim.sim.executor import Executor
from neurosim.sim.layout import to_slices
from neurosim.sim.schedule import EVENTS_A_NODE, bytes_per_step
from neurosim.sim.windows import window_notes

OUTPUT_BUDGET = 64 * 2**20  # bytes
MOST_WINDOWS = 16  # at a time: more of them gain nothing


@dataclass
class Kept:
    """Outputs so far, joined along ``axis``; thinned to the last piece once they grow large.

    They lie in one buffer that doubles: many small pieces, kept among large ones that come and go,
    would leave the heap full of holes (measured: twice the memory after an hour of video).
    """

    axis: int
    buffers: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    used: dict[str, int] = field(default_factory=dict[str, int])
    dropped: bool = False

    def add(self, piece: dict[str, Tensor]) -> None:
        """One more piece."""
        if not piece:
            return
        rows = {name: value.movedim(self.axis, 0) for name, value in piece.items()}
        held = sum(self.used.get(n, 0) * r[0].numel() * r.element_size() for n, r in rows.items())
        self.dropped = self.dropped or held > OUTPUT_BUDGET
        if self.dropped:
            self.used.clear()
        for name, new in rows.items():
            begin = self.used.get(name, 0)
            end = self.used[name] = begin + len(new)
            buffer = self.buffers.get(name)
            if buffer is None or len(buffer) < end:
                wider = new.new_empty((2 * end, *new.shape[1:]))
                if buffer is not None:
                    wider[:begin] = buffer[:begin]
                buffer = self.buffers[name] = wider
            buffer[begin:end] = new

    def values(self) -> dict[str, Tensor]:
        """Joined; a clip value has one step in the last piece alone."""
        return {
            name: self.buffers[name][:used].movedim(0, self.axis).contiguous()
            for name, used in self.used.items()
        }


@dataclass(frozen=True)
class Streamed:
    """What came of a stream; ``chunk``: steps at a time; ``binned``: how counts were coarsened."""

    counts: Counts
    outputs: dict[str, Tensor]
    chunk: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Stream:
    """Pieces of a clip, in the model's layout, and what runs them. ``chunk`` None: what fits
    ``memory_budget`` bytes."""

    graph: Graph
    pieces: Iterable[Any]
    params: dict[str, dict[str, Tensor]]
    choice: Choice
    device: str
    chunk: int | None
    memory_budget: int

    def unbroken(self) -> Streamed:
        """The pieces as chunks of one clip.

        Raises ClipError: no piece, or pieces unlike each other.
        """
        samples, slices = self._slices()
        chunk, kept = self.chunk or self._fitting(samples), Kept(0)
        counts = CountsBuilder(samples, None, len(self.graph) * EVENTS_A_NODE)
        executor = self._executor(counts)
        for piece, final in _with_last(_regrouped(slices, chunk)):
            executor.feed(piece, final)
            kept.add(executor.taken())
        return Streamed(counts.finish(), kept.values(), chunk, _said(kept))

    def in_windows(self, window: int, hop: int) -> Streamed:
        """Every window a sample of its own, as many at a time as fit.

        Raises ClipError: as ``unbroken``, or shorter than one window.
        """
        samples, slices = self._slices()
        most = max(1, min(MOST_WINDOWS, self._fitting(samples) // window))
        total, kept, cutter = CountsSum(), Kept(1), Cutter(window, hop)
        for group in _grouped(cutter.windows(slices), most):
            counts, outputs = self._at_once(group)
            total.add(counts)
            kept.add(outputs)
        if not total.samples:
            raise ClipError(
                f"the clip has {cutter.left} steps, fewer than one window of {window}; give a "
                "longer clip"
            )
        notes = (*window_notes(cutter.left), *_said(kept))
        return Streamed(total.finish(), kept.values(), self.chunk or window, notes)

    def _at_once(self, group: list[Tensor]) -> tuple[Counts, dict[str, Tensor]]:
        """Some windows as samples; nothing of the run outlives it but what is returned."""
        batch = torch.cat(group, 1)
        group.clear()
        window = len(batch)
        counts = CountsBuilder(batch.shape[1], window, len(self.graph) * EVENTS_A_NODE)
        executor, size = self._executor(counts), self.chunk or window
        for start in range(0, window, size):
            executor.feed(batch[start : start + size], start + size >= window)
        return counts.finish(), executor.taken()

    def _executor(self, counts: CountsBuilder) -> Executor:
        outputs = frozenset(self.graph.outputs)
        return Executor(self.graph, self.params, counts, self.choice, outputs, self.choice.kernels)

    def _fitting(self, samples: int) -> int:
        return max(1, self.memory_budget // bytes_per_step(self.graph, samples))

    def _slices(self) -> tuple[int, Iterator[Tensor]]:
        """Samples, and the pieces as (steps, samples, *shape), checked one by one."""
        checked = self._checked()
        first = next(checked, None)
        if first is None:
            raise ClipError("the clip has no piece; give at least one step")
        return first.shape[1], _alike(first, checked)

    def _checked(self) -> Iterator[Tensor]:
        for piece in self.pieces:
            slices = to_slices(self.graph, piece)
            check_clip(self.graph, slices)
            yield slices.to(self.device)


@dataclass
class Cutter:
    """Cuts windows out of pieces as they fill; ``left``: steps at the end that fill none."""

    window: int
    hop: int
    left: int = 0

    def windows(self, pieces: Iterator[Tensor]) -> Iterator[Tensor]:
        """(window, samples, …) each."""
        held, skip, found = torch.empty(0), 0, False
        for piece in pieces:
            held = torch.cat([held, piece]) if len(held) else piece
            drop = min(skip, len(held))
            held, skip = held[drop:], skip - drop
            while len(held) >= self.window:
                found = True
                yield held[: self.window]
                drop = min(self.hop, len(held))
                held, skip = held[drop:], self.hop - drop
        self.left = len(held) - skip + (self.hop - self.window if found else 0)


def _said(kept: Kept) -> tuple[str, ...]:
    text = f"outputs outgrew {OUTPUT_BUDGET >> 20} MB: those of the last piece alone were kept"
    return (text,) if kept.dropped else ()


def _alike(first: Tensor, rest: Iterator[Tensor]) -> Iterator[Tensor]:
    yield first
    for piece in rest:
        if piece.shape[1:] != first.shape[1:]:
            raise ClipError(
                f"a piece of the clip has slices {tuple(piece.shape[1:])}, the first had "
                f"{tuple(first.shape[1:])}; give pieces alike"
            )
        yield piece


def _regrouped(pieces: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    """The same steps, ``size`` at a time."""
    held: list[Tensor] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        while count >= size:
            whole = held[0] if len(held) == 1 else torch.cat(held)
            yield whole[:size]
            held, count = [whole[size:]], count - size
    if count:
        yield torch.cat(held)


def _with_last(pieces: Iterator[Tensor]) -> Iterator[tuple[Tensor, bool]]:
    previous = next(pieces)
    for piece in pieces:
        yield previous, False
        previous = piece
    yield previous, True


def _grouped(windows: Iterator[Tensor], most: int) -> Iterator[list[Tensor]]:
    group: list[Tensor] = []
    for window in windows:
        group.append(window)
        if len(group) == most:
            yield group
            group = []
    if group:
        yield group
