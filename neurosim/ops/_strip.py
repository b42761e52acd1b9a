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

from neurosim.ops._vectors import F32, I32, I64, _Emit, intrinsic

NARROW, WIDE = 7, 8  # pixels; maps of 7, 14 and 28 columns are whole strips of the one
VECTOR, MASK = ir.VectorType(F32, 16), ir.IntType(16)
LANES = ir.VectorType(ir.IntType(1), 16)


class _Strip:
    """Code of one strip of so many pixels: ``taps`` kernel columns; ``many`` times 16 channels."""

    def __init__(self, emit: _Emit, taps: int, pixels: int, many: int) -> None:
        self.emit, self.b, self.taps, self.pixels = emit, emit.builder, taps, pixels
        (_, self.at, self.step, _, _, _, _, self.lines, self.column, self.blocks, self.channel, _,
         self.scale, self.past) = emit.args  # fmt: skip
        self.totals = [
            [cgutils.alloca_once(self.b, VECTOR) for _ in range(pixels)] for _ in range(many)
        ]

    def sums(self) -> None:
        """Walk the kernel's lines; of each, the input columns from left to right."""
        for total in (total for block in self.totals for total in block):
            self.b.store(ir.Constant(VECTOR, [0.0] * 16), total)
        with cgutils.for_range(self.b, self.lines) as loop:
            above, row = self.emit.load(5, loop.index), self.emit.load(6, loop.index)
            row = self.b.add(row, self.channel)
            weights = [
                [self._weights(row, k, block) for k in range(self.taps)]
                for block in range(len(self.totals))
            ]
            for j in range(self.pixels + self.taps - 1):
                for block, totals in enumerate(self.totals):
                    mask = self._mask(above, j, block)
                    for pixel in range(max(0, j - self.taps + 1), min(self.pixels, j + 1)):
                        self._add(totals[pixel], weights[block][j - pixel], mask)

    def _weights(self, row: Any, k: int, block: int) -> Any:
        at = self.b.add(self.b.add(row, self.b.mul(self.step, I64(k))), I64(16 * block))
        return self.emit.load_vector(3, at, VECTOR)

    def _mask(self, above: Any, j: int, number: int) -> Any:
        b, column = self.b, self.b.add(self.column, I64(j))
        block = b.add(b.mul(column, self.blocks), b.ashr(self.channel, I64(4)))
        block = b.add(block, I64(number))
        place = b.bitcast(self.emit.address(4, b.add(above, block)), MASK.as_pointer())
        bits = b.load(place)
        bits.align = 2
        return b.bitcast(bits, LANES)

    def _add(self, total: Any, weights: Any, mask: Any) -> None:
        held = self.b.load(total)
        added = self.b.fadd(held, weights)
        self.b.store(self.b.select(mask, added, held), total)

    def store(self) -> None:
        """scale · sum + bias."""
        b, scale = self.b, self.emit.splat(self.scale, 16)
        values: list[tuple[Any, Any]] = []
        for block, totals in enumerate(self.totals):
            channel = b.add(self.channel, I64(16 * block))
            offset = self.emit.load_vector(11, channel, VECTOR)
            for pixel, total in enumerate(totals):
                at = b.add(b.add(self.at, channel), b.mul(self.step, I64(pixel)))
                scaled = b.fmul(b.load(total), scale)
                values.append((b.fadd(scaled, offset), at))
        with b.if_else(b.icmp_signed("!=", self.past, I64(0))) as (past, into):
            with past:
                for value, at in values:
                    place = b.bitcast(self.emit.address(0, at), value.type.as_pointer())
                    stored = b.store(value, place)
                    stored.align = 64
                    stored.set_metadata("nontemporal", b.module.add_metadata([I32(1)]))
            with into:
                for value, at in values:
                    self.emit.store_vector(0, at, value)


def _strip(taps: int, pixels: int, many: int = 1) -> Callable[..., Any]:
    """out[at + p·step + channel:+c] = scale · Σ_{e < lines, k < taps} (weight[row[e] + k·step +
    channel:+c] where the bits of input column ``column`` + p + k are set in the line whose bits
    begin at above[e], in sixteens) + bias[channel:+c], for p < ``pixels`` and c = 16 · ``many``, in
    this order.

    ``step``: channels; ``blocks``: sixteens of them. ``past``: whether outputs go to memory past
    the caches, which would fetch each line before it is overwritten; they begin with a line then.
    (What a thread does next, taking another range, makes the others see them.)
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        strip = _Strip(_Emit(context, builder, signature, args), taps, pixels, many)
        strip.sums()
        strip.store()
        return context.get_dummy_value()

    @intrinsic
    def strip(typing, out, at, step, weight, bits, above, row, lines, column, blocks, channel, bias,
              scale, past):  # fmt: skip
        n = types.int64
        kinds = (out, n, n, weight, bits, above, row, *(n,) * 4, bias, types.float32, n)
        return types.void(*kinds), generate

    return strip


wide_3, wide_5, wide_7 = (_strip(taps, WIDE) for taps in (3, 5, 7))
narrow_3, narrow_5, narrow_7 = (_strip(taps, NARROW) for taps in (3, 5, 7))
# of 32 channels, whose sums do not wait for each other, while registers last
pair_wide_3, pair_wide_5 = (_strip(taps, WIDE, 2) for taps in (3, 5))
pair_narrow_3, pair_narrow_5 = (_strip(taps, NARROW, 2) for taps in (3, 5))
