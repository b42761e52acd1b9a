"""Which outputs of a convolution an event reaches, from the active channels of each place."""

from __future__ import annotations

import numpy as np

from neurosim.sim.kernels.geometry import Axis, tables
from neurosim.threads import spread
from neurosim.threads._fork import compiled, fork, inlined, roomy_body


def reach(active: np.ndarray, axes: list[Axis]) -> np.ndarray:
    """bool (N, Z', Y', X'): whether an output sees any place where ``active``, int64 (N, Z, Y, X),
    is not 0."""
    z, y, x = axes
    table = tables(z, y, x)
    out = np.empty((len(active), z.out, y.out, x.out), np.bool_)
    rows = np.ascontiguousarray(active).reshape(len(active), -1, x.size)
    found = out.reshape(len(active), -1, x.out).view(np.uint8)
    sees = (table.lines, table.line_count, table.runs, table.run_count)
    side_by_side = x.stride == x.dilation == 1 and not x.transposed
    taps = x.kernel if side_by_side else 0
    spread(_reach_loop, out[..., 0].size, out.size, rows, found, *sees, taps, x.padding)
    return out


@roomy_body
def _reach(begin, end, active, out, lines, line_count, runs, run_count, taps, padding):
    """Output lines begin..end, numbered (sample, line); tables: see geometry.Tables. ``taps``: the
    kernel's length where neighbouring outputs see neighbouring places, else 0."""
    width, columns = active.shape[2], out.shape[2]
    seen = np.zeros(width + 2 * padding + taps, np.uint8)
    places, found = active.reshape(-1), out.reshape(-1)
    for task in range(begin, end):
        sample, line = task // out.shape[1], task % out.shape[1]
        seen[:] = 0
        for j in range(line_count[line]):
            first = (sample * active.shape[1] + lines[line, j, 0]) * width
            _mark(seen, padding, places, first, width)
        if taps:
            _reach_line(found, task * columns, columns, seen, taps)
            continue
        for column in range(columns):
            hit = np.uint8(0)
            for r in range(run_count[column]):
                for i in range(runs[column, r, 0], runs[column, r, 1]):
                    hit |= seen[np.uintp(padding + i)]
            out[sample, line, column] = hit


@compiled
def _reach_loop(start, threads, tasks, chunk, args):
    return fork(_reach, start, threads, tasks, chunk, args)


@inlined
def _mark(seen, shift, active, first, width):
    for i in range(width):
        seen[np.uintp(shift + i)] |= np.uint8(active[np.uintp(first + i)] != 0)


@inlined
def _reach_line(out, at, columns, seen, taps):
    for column in range(columns):
        out[np.uintp(at + column)] = seen[column]
    for k in range(1, taps):
        for column in range(columns):
            out[np.uintp(at + column)] |= seen[np.uintp(k + column)]
