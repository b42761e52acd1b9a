"""A strip of neighbouring outputs of a single-channel convolution from spikes, as one vector
program: the sums of seven or eight pixels × 16 channels stay in registers, and every mask is loaded
once for all the outputs that see it. Import this module where it is used: it imports numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from neurosim.ops._vectors import F32, I64, _Emit, intrinsic

NARROW, WIDE = 7, 8  # pixels; maps of 7, 14 and 28 columns are whole strips of the one
VECTOR, MASK = ir.VectorType(F32, 16), ir.IntType(16)
LANES = ir.VectorType(ir.IntType(1), 16)


class _Strip:
    """Code of one strip of so many pixels: ``taps`` kernel columns."""

    def __init__(self, emit: _Emit, taps: int, pixels: int) -> None:
        self.emit, self.b, self.taps, self.pixels = emit, emit.builder, taps, pixels
        (_, self.at, self.step, _, _, _, _, self.lines, self.column, self.blocks, self.channel, _,
         self.scale) = emit.args  # fmt: skip
        self.totals = [cgutils.alloca_once(self.b, VECTOR) for _ in range(pixels)]

    def sums(self) -> None:
        """Walk the kernel's lines; of each, the input columns from left to right."""
        for total in self.totals:
            self.b.store(ir.Constant(VECTOR, [0.0] * 16), total)
        with cgutils.for_range(self.b, self.lines) as loop:
            above, row = self.emit.load(5, loop.index), self.emit.load(6, loop.index)
            row = self.b.add(row, self.channel)
            weights = [self._weights(row, k) for k in range(self.taps)]
            for j in range(self.pixels + self.taps - 1):
                mask = self._mask(above, j)
                for pixel in range(max(0, j - self.taps + 1), min(self.pixels, j + 1)):
                    self._add(pixel, weights[j - pixel], mask)

    def _weights(self, row: Any, k: int) -> Any:
        return self.emit.load_vector(3, self.b.add(row, self.b.mul(self.step, I64(k))), VECTOR)

    def _mask(self, above: Any, j: int) -> Any:
        b, column = self.b, self.b.add(self.column, I64(j))
        block = b.add(b.mul(column, self.blocks), b.ashr(self.channel, I64(4)))
        place = b.bitcast(self.emit.address(4, b.add(above, block)), MASK.as_pointer())
        bits = b.load(place)
        bits.align = 2
        return b.bitcast(bits, LANES)

    def _add(self, pixel: int, weights: Any, mask: Any) -> None:
        held = self.b.load(self.totals[pixel])
        added = self.b.fadd(held, weights)
        self.b.store(self.b.select(mask, added, held), self.totals[pixel])

    def store(self) -> None:
        """scale · sum + bias."""
        offset = self.emit.load_vector(11, self.channel, VECTOR)
        scale = self.emit.splat(self.scale, 16)
        for pixel, total in enumerate(self.totals):
            at = self.b.add(self.b.add(self.at, self.channel), self.b.mul(self.step, I64(pixel)))
            scaled = self.b.fmul(self.b.load(total), scale)
            self.emit.store_vector(0, at, self.b.fadd(scaled, offset))


def _strip(taps: int, pixels: int) -> Callable[..., Any]:
    """out[at + p·step + channel:+16] = scale · Σ_{e < lines, k < taps} (weight[row[e] + k·step +
    channel:+16] where the bits of input column ``column`` + p + k are set in the line whose bits
    begin at above[e], in sixteens) + bias[channel:+16], for p < ``pixels``, in this order.

    ``step``: channels; ``blocks``: sixteens of them.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        strip = _Strip(_Emit(context, builder, signature, args), taps, pixels)
        strip.sums()
        strip.store()
        return context.get_dummy_value()

    @intrinsic
    def strip(typing, out, at, step, weight, bits, above, row, lines, column, blocks, channel, bias,
              scale):  # fmt: skip
        n = types.int64
        kinds = (out, n, n, weight, bits, above, row, *(n,) * 4, bias, types.float32)
        return types.void(*kinds), generate

    return strip


wide_3, wide_5, wide_7 = (_strip(taps, WIDE) for taps in (3, 5, 7))
narrow_3, narrow_5, narrow_7 = (_strip(taps, NARROW) for taps in (3, 5, 7))
