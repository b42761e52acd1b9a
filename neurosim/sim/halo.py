"""A convolution over time in pieces: it keeps the steps that outputs to come still read.

Output o reads the sources o − p + k·d, k < K (stride 1). Once the outputs before ``done`` are made,
the sources from done − p on are held. A source step is counted when every output that reads it has
been made; the words of output o belong to source step o + (K − 1)·d − 2·p, so both end together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from neurosim.ir.graph import Node
from neurosim.ops import get
from neurosim.ops._value import Call, Value
from neurosim.ops.temporal_convolution import TemporalConvolution
from neurosim.sim.stream import cut, join

if TYPE_CHECKING:
    from neurosim.sim.executor import Executor


def streams(node: Node) -> bool:
    """Whether a node can run on a clip of any length, piece by piece."""
    if node.op != "temporal_convolution" or node.value.steps is None:
        return False
    return node.attrs["stride"][0] == 1 and _lag(node) >= 0


def _span(node: Node) -> int:
    """Steps between the first and the last source of an output."""
    return (node.known.kernel_in_time - 1) * node.attrs["dilation"][0]


def _lag(node: Node) -> int:
    """Source steps more than output steps."""
    return _span(node) - 2 * node.attrs["padding"][0]


@dataclass
class Halo:
    """What one node holds between pieces."""

    node: Node
    held: Value | None = None
    fed: int = 0  # sources so far
    done: int = 0  # outputs so far
    counted: int = 0  # sources that are counted: the first one held

    def feed(self, executor: Executor, piece: Value | None, final: bool) -> Value | None:
        """The outputs that are complete now; None where there are none. ``piece``: None at an end
        that brings nothing more."""
        pieces = [v for v in (self.held, piece) if v is not None]
        line = pieces[0] if len(pieces) == 1 else join(pieces)
        self.fed += 0 if piece is None else piece.steps
        pad, lag = self.node.attrs["padding"][0], _lag(self.node)
        ready = self.fed - lag if final else self.fed - lag - pad
        kept = self.fed if final else max(0, ready - pad)
        if ready <= self.done:
            self.held = line
            return None
        call = self._call(executor, self._window(line, ready))
        out = executor.execute(call.node, call)
        self._count_outputs(executor, out)
        if kept > self.counted:
            self._count_sources(executor, cut(line, 0, kept - self.counted), final, ready)
        self.held = None if final else cut(line, kept - self.counted, line.steps)
        self.done, self.counted = ready, max(kept, self.counted)
        return out

    def _window(self, line: Value, ready: int) -> Value:
        """Every source of the outputs to make, zeros where the clip has none."""
        first = self.done - self.node.attrs["padding"][0] - self.counted
        last = ready - self.node.attrs["padding"][0] + _span(self.node) - self.counted
        data = line.data[max(0, first) : last]
        missing = max(0, -first), max(0, last - line.steps)
        before, after = (data.new_zeros(n, *data.shape[1:]) for n in missing)
        return Value(torch.cat([before, data, after]), line.type)

    def _call(self, executor: Executor, window: Value) -> Call:
        attrs = {**self.node.attrs, "padding": (0, *self.node.attrs["padding"][1:])}
        return executor.call(replace(self.node, attrs=attrs), (window,))

    def _count_outputs(self, executor: Executor, out: Value) -> None:
        op, first = get(self.node.op), self.done + _lag(self.node)
        assert isinstance(op, TemporalConvolution)
        call = executor.counting(self.node, (), first)
        for event, number in op.words_out(call, out).items():
            steps = np.full((out.steps, out.samples), number, np.int64)
            executor.counts.add(self.node.name, event, steps, first, executor.first_sample)

    def _count_sources(self, executor: Executor, line: Value, final: bool, made: int) -> None:
        op = get(self.node.op)
        assert isinstance(op, TemporalConvolution)
        call = executor.counting(self.node, (line,), self.counted)
        steps = np.arange(self.counted, self.counted + line.steps)
        reached = _reached(self.node, steps, made if final else None)
        found = op.count_sources(call, self.node.value.shape, reached)
        for event, number in found.items():
            each = np.broadcast_to(number, (line.steps, line.samples))
            executor.counts.add(self.node.name, event, each, self.counted, executor.first_sample)


def _reached(node: Node, steps: np.ndarray, outputs: int | None) -> np.ndarray:
    """At which taps an output reads each source step, (steps, K); ``outputs``: how many there are,
    None: no end in sight."""
    a, taps = node.attrs, np.arange(node.known.kernel_in_time)
    place = steps[:, None] + a["padding"][0] - taps * a["dilation"][0]
    return (place >= 0) & (True if outputs is None else place < outputs)
