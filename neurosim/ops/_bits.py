"""Spikes as bits: a 32nd of the memory of 0.0 and 1.0 in float32.

A neuron whose readers all walk over events emits these, and no dense spike tensor is built; whoever
asks for one gets it unpacked. The compiled loops are in ``_bits_kernel``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.threads import spread

if TYPE_CHECKING:
    from torch import Tensor

WORD = 64
PARTS = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}  # a run each


def same_order(one: Sequence[int], two: Sequence[int], sizes: Sequence[int]) -> bool:
    """Whether elements lie alike: axes of one element do not matter."""
    return [a for a in one if sizes[a] > 1] == [a for a in two if sizes[a] > 1]


@dataclass(frozen=True, eq=False)
class Bits:
    """``words``: int64 (slices, words), a row for each step and sample, its bits in memory order.

    ``shape``: (T, B, *shape). ``inner``: the slice's axes, outermost in memory first. Bit k of word
    w is element 64·w + k; bits past the last element are 0.
    """

    words: np.ndarray
    shape: tuple[int, ...]
    inner: tuple[int, ...]

    @staticmethod
    def empty(shape: tuple[int, ...], inner: tuple[int, ...]) -> Bits:
        """Words to be filled."""
        rows = -(-math.prod(shape[2:]) // WORD)
        return Bits(np.empty((shape[0] * shape[1], rows), np.int64), shape, inner)

    @property
    def size(self) -> int:
        """Elements of a slice."""
        return math.prod(self.shape[2:])

    def dense(self) -> Tensor:
        """float32 (T, B, *shape), in this memory order."""
        import torch

        from neurosim.ops._bits_kernel import unpack_loop

        sizes = [self.shape[2 + axis] for axis in self.inner]
        out = np.empty((len(self.words), self.size), np.float32)
        spread(unpack_loop, len(out), out.size, self.words, out)
        whole = torch.from_numpy(out).reshape(*self.shape[:2], *sizes)
        return whole.permute(0, 1, *(2 + self.inner.index(a) for a in range(len(sizes))))

    def sum_innermost(self) -> np.ndarray:
        """Spikes along the innermost axis: int64 (T, B, *shape without it)."""
        from neurosim.ops._bits_kernel import count_runs_loop

        length, runs = self._runs()
        found = np.empty((len(self.words), runs), np.int64)
        spread(count_runs_loop, len(found), 8 * self.words.size, self.words, length, found)
        return self._without_innermost(found)

    def any_innermost(self) -> np.ndarray:
        """Whether there is a spike along the innermost axis: bool (T, B, *shape without it)."""
        length, runs = self._runs()
        if length in PARTS and sys.byteorder == "little":
            return self._without_innermost(self.words.view(PARTS[length])[:, :runs] != 0)
        return self.sum_innermost() > 0

    def _runs(self) -> tuple[int, int]:
        """Elements along the innermost axis, and how often a slice has it."""
        length = self.shape[2 + self.inner[-1]]
        return length, self.size // max(1, length)

    def _without_innermost(self, found: np.ndarray) -> np.ndarray:
        outer = self.inner[:-1]
        whole = found.reshape(*self.shape[:2], *(self.shape[2 + a] for a in outer))
        return whole.transpose(0, 1, *(2 + outer.index(a) for a in sorted(outer)))
