"""Rows of small matrix products, in registers. Import this module where it is used: it imports
numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from neurosim.ops._vectors import F32, I32, I64, _Emit, intrinsic


def _product(rows: int, lanes: int = 16) -> Callable[..., Any]:
    """out[at + r · down:+lanes] = Σ_k a[a_at + r · a_down + k · a_step] · b[b_at + k · b_step:
    +lanes], k < count, for r < ``rows``. Multiplied and added at once where the processor can, so
    callers see to it that no product is rounded."""
    vector = ir.VectorType(F32, lanes)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        _, at, down, _, a_at, a_down, a_step, _, b_at, b_step, count = args
        kind = ir.FunctionType(vector, [vector] * 3)
        added = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{lanes}f32")
        totals = [cgutils.alloca_once(builder, vector) for _ in range(rows)]
        for total in totals:
            builder.store(ir.Constant(vector, [0.0] * lanes), total)
        with cgutils.for_range(builder, count) as loop:
            row = emit.load_vector(7, builder.add(b_at, builder.mul(loop.index, b_step)), vector)
            first = builder.add(a_at, builder.mul(loop.index, a_step))
            for r, total in enumerate(totals):
                place = builder.add(first, builder.mul(a_down, I64(r)))
                value = emit.splat(emit.load(3, place), lanes)
                builder.store(builder.call(added, [value, row, builder.load(total)]), total)
        for r, total in enumerate(totals):
            place = builder.add(at, builder.mul(down, I64(r)))
            emit.store_vector(0, place, builder.load(total))
        return context.get_dummy_value()

    @intrinsic
    def product(typing, out, at, down, a, a_at, a_down, a_step, b, b_at, b_step, count):
        n = types.int64
        return types.void(out, n, n, a, n, n, n, b, n, n, n), generate

    return product


@intrinsic
def whole_sum_16(typing, x, at, unit):
    """Σ unit · x[at + k], k < 16, of whole numbers below 2^24."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit, kind = _Emit(context, builder, signature, args), ir.VectorType(I32, 16)
        numbers = builder.fmul(
            emit.load_vector(0, args[1], ir.VectorType(F32, 16)), emit.splat(args[2], 16)
        )
        added = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(I32, [kind]), "llvm.vector.reduce.add.v16i32"
        )
        return builder.sext(builder.call(added, [builder.fptosi(numbers, kind)]), I64)

    return types.int64(x, types.int64, types.float32), generate


product_4, product_1 = _product(4), _product(1)
