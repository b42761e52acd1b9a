"""Which inputs an output sees, as tables: the same for ordinary and transposed convolution.

Ordinary: i = o·stride − padding + k·dilation. Transposed: o = i·stride − padding + k·dilation,
kernel stored flipped. (torch.nn.Conv*d and ConvTranspose*d, "Shape" sections.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a convolution."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    transposed: bool
    output_padding: int

    @property
    def reach(self) -> int:
        """Width of the dilated kernel."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def out(self) -> int:
        """Output size."""
        if self.transposed:
            return (
                (self.size - 1) * self.stride - 2 * self.padding + self.reach + self.output_padding
            )
        return (self.size + 2 * self.padding - self.reach) // self.stride + 1

    @property
    def keeps_place(self) -> bool:
        """Output o sees input o and no other."""
        return self.kernel == 1 and self.stride == 1 and self.padding == 0 and self.out == self.size

    def pairs(self, o: int) -> list[tuple[int, int]]:
        """(stored tap, input) pairs of output ``o``, inputs ascending, padding left out."""
        found = ((k, self._source(o, k)) for k in range(self.kernel))
        return [(k, i) for k, i in found if i is not None]

    def _source(self, o: int, k: int) -> int | None:
        if not self.transposed:
            i, rest = o * self.stride - self.padding + k * self.dilation, 0
        else:
            far = o + self.padding - (self.kernel - 1 - k) * self.dilation
            i, rest = divmod(far, self.stride)
        return i if rest == 0 and 0 <= i < self.size else None

    def runs(self, o: int) -> list[tuple[int, int, int]]:
        """(first input, end, first tap − first input): stretches where tap and input both step by
        one.
        """
        found: list[tuple[int, int, int]] = []
        for k, i in self.pairs(o):
            if found and found[-1][1] == i and found[-1][2] == k - i:
                found[-1] = (found[-1][0], i + 1, k - i)
            else:
                found.append((i, i + 1, k - i))
        return found


@dataclass(frozen=True)
class Tables:
    """Sources of every output line (z, y) and of every column x."""

    lines: np.ndarray  # (out lines, most, 2) int64: input line, first tap of the kernel row
    line_count: np.ndarray  # (out lines,) int64
    runs: np.ndarray  # (out columns, most, 3) int64: as Axis.runs
    run_count: np.ndarray  # (out columns,) int64


def _padded(rows: list[list[tuple[int, ...]]], width: int) -> tuple[np.ndarray, np.ndarray]:
    most = max((len(r) for r in rows), default=0)
    table = np.zeros((len(rows), max(most, 1), width), np.int64)
    for k, row in enumerate(rows):
        if row:
            table[k, : len(row)] = row
    return table, np.array([len(r) for r in rows], np.int64)


@lru_cache(maxsize=256)
def tables(z: Axis, y: Axis, x: Axis) -> Tables:
    """Tables of a convolution; cached, they depend on sizes alone."""
    across, down = [y.pairs(o) for o in range(y.out)], [z.pairs(o) for o in range(z.out)]
    lines = [
        [(i * y.size + j, (kz * y.kernel + ky) * x.kernel) for kz, i in above for ky, j in beside]
        for above in down
        for beside in across
    ]
    runs = [x.runs(o) for o in range(x.out)]
    return Tables(*_padded(lines, 2), *_padded(runs, 3))  # type: ignore[arg-type]
