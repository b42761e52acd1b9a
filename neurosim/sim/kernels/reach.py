"""Which outputs of a convolution an event reaches, from the active channels of each place."""

from __future__ import annotations

import numpy as np

from neurosim.sim.kernels.geometry import Axis, tables
from neurosim.threads import spread
from neurosim.threads._fork import compiled, fork


def reach(active: np.ndarray, axes: list[Axis]) -> np.ndarray:
    """bool (N, Z', Y', X'): whether an output sees any place where ``active``, int64 (N, Z, Y, X),
    is not 0."""
    z, y, x = axes
    table = tables(z, y, x)
    out = np.empty((len(active), z.out, y.out, x.out), np.bool_)
    rows = np.ascontiguousarray(active).reshape(len(active), -1, x.size)
    found = out.reshape(len(active), -1, x.out).view(np.uint8)
    sees = (table.lines, table.line_count, table.runs, table.run_count)
    spread(_reach_loop, found.shape[0] * found.shape[1], out.size, rows, found, *sees)
    return out


@compiled
def _reach(begin, end, active, out, lines, line_count, runs, run_count):
    """Output lines begin..end, numbered (sample, line); tables: see geometry.Tables."""
    width, columns = active.shape[2], out.shape[2]
    seen = np.empty(width, np.uint8)
    for task in range(begin, end):
        sample, line = task // out.shape[1], task % out.shape[1]
        seen[:] = 0
        for j in range(line_count[line]):
            row = active[sample, lines[line, j, 0]]
            for i in range(width):
                seen[i] |= np.uint8(row[i] != 0)
        for column in range(columns):
            hit = np.uint8(0)
            for r in range(run_count[column]):
                for i in range(runs[column, r, 0], runs[column, r, 1]):
                    hit |= seen[i]
            out[sample, line, column] = hit


@compiled
def _reach_loop(start, threads, tasks, chunk, args):
    return fork(_reach, start, threads, tasks, chunk, args)
