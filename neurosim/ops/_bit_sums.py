"""Sums of weight rows that bits choose, in registers: under masks, and looked up four at a time.
Import this module where it is used: it imports numba.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from neurosim.ops._vectors import F32, I64, _Emit, _tree, intrinsic


@intrinsic
def masked_sum_16(typing, out, at, weight, bits, place, row, count, channel, bias, scale):
    """out[at:+16] = scale · Σ_e (weight[row[e] + channel:+16] where bits[place[e] + channel / 16],
    int16, has a bit set) + bias[channel:+16], for e < count, in this order."""
    vector, lanes = ir.VectorType(F32, 16), ir.VectorType(ir.IntType(1), 16)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit, channel = _Emit(context, builder, signature, args), args[7]
        total = cgutils.alloca_once(builder, vector)
        builder.store(ir.Constant(vector, [0.0] * 16), total)
        block = builder.ashr(channel, I64(4))
        with cgutils.for_range(builder, args[6]) as loop:
            mask = emit.load(3, builder.add(emit.load(4, loop.index), block))
            at = builder.add(emit.load(5, loop.index), channel)
            held = builder.load(total)
            added = builder.fadd(held, emit.load_vector(2, at, vector))
            builder.store(builder.select(builder.bitcast(mask, lanes), added, held), total)
        scaled = builder.fmul(builder.load(total), emit.splat(args[9], 16))
        emit.store_vector(0, args[1], builder.fadd(scaled, emit.load_vector(8, channel, vector)))
        return context.get_dummy_value()

    n = types.int64
    return types.void(out, n, weight, bits, place, row, n, n, bias, types.float32), generate


@intrinsic
def looked_up_16(typing, out, at, table, table_at, word, sixteens, bias, bias_at, scale):
    """out[at:+16] = scale · Σ_k table[table_at + 256·k + 16·n_k:+16] + bias[bias_at:+16], where n_k
    are bits 4·k … 4·k + 3 of word, for k < 4 · sixteens; four are added to each other first."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit, vector = _Emit(context, builder, signature, args), ir.VectorType(F32, 16)
        total = cgutils.alloca_once(builder, vector)
        builder.store(ir.Constant(vector, [0.0] * 16), total)
        with cgutils.for_range(builder, args[5]) as loop:
            bits = builder.lshr(args[4], builder.shl(loop.index, I64(4)))
            first = builder.add(args[3], builder.shl(loop.index, I64(10)))
            rows = []
            for k in range(4):
                place = builder.add(first, I64(256 * k))
                number = builder.and_(builder.lshr(bits, I64(4 * k)), I64(15))
                place = builder.add(place, builder.shl(number, I64(4)))
                rows.append(emit.load_vector(2, place, vector))
            builder.store(builder.fadd(builder.load(total), _tree(builder, rows)), total)
        scaled = builder.fmul(builder.load(total), emit.splat(args[8], 16))
        emit.store_vector(0, args[1], builder.fadd(scaled, emit.load_vector(6, args[7], vector)))
        return context.get_dummy_value()

    n = types.int64
    return types.void(out, n, table, n, n, n, bias, n, types.float32), generate
