"""Vector instructions that numba cannot be talked into: sums of weight rows held in registers, and
bit masks.

Generic LLVM vectors (no intrinsics of one processor): AVX-512, AVX2, SSE and NEON code comes from
the same lines. Arithmetic is plain ``fmul``/``fadd`` without fast-math flags, so nothing is
contracted or reordered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

I32, I64, F32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
intrinsic: Any = extending.intrinsic  # its decorated functions take one argument less


class _Emit:
    """LLVM code for array arguments addressed by element."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self.context, self.builder, self.types, self.args = context, builder, signature.args, args

    def address(self, k: int, at: Any) -> Any:
        array = self.context.make_array(self.types[k])(self.context, self.builder, self.args[k])
        return self.builder.gep(array.data, [at])

    def load(self, k: int, at: Any) -> Any:
        return self.builder.load(self.address(k, at))

    def load_vector(self, k: int, at: Any, kind: Any) -> Any:
        loaded = self.builder.load(self.builder.bitcast(self.address(k, at), kind.as_pointer()))
        loaded.align = 4
        return loaded

    def store_vector(self, k: int, at: Any, value: Any) -> None:
        place = self.builder.bitcast(self.address(k, at), value.type.as_pointer())
        self.builder.store(value, place).align = 4

    def splat(self, value: Any, lanes: int) -> Any:
        vector = ir.VectorType(value.type, lanes)
        one = self.builder.insert_element(ir.Constant(vector, ir.Undefined), value, I32(0))
        zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
        return self.builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _tree(builder: Any, rows: list[Any], add: Callable[..., Any] | None = None) -> Any:
    both: Any = builder.fadd if add is None else add
    while len(rows) > 1:
        rows = [both(rows[k], rows[k + 1]) for k in range(0, len(rows), 2)]
    return rows[0]


NARROW = 256  # int8 rows whose sum still fits int16


def _integer_row_sum(lanes: int, graded: bool, fused: int) -> Callable[..., Any]:
    """The same with int8 weights: int16 sums of up to 256 rows, added up in int32; graded payloads
    (int32) are multiplied and added in int32. An int32 ``out`` gets sum + bias, a float32 one
    scale · sum + bias.
    """
    kinds = {bits: ir.VectorType(ir.IntType(bits), lanes) for bits in (8, 16, 32)}

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        out_at, weight_at, begin, end = args[1], args[3], args[6], args[7]
        wide = kinds[32] if graded else kinds[16]

        def row(event: Any) -> Any:
            index = builder.sext(emit.load(4, event), I64)
            at = builder.add(weight_at, builder.mul(index, I64(lanes)))
            weights = builder.sext(emit.load_vector(2, at, kinds[8]), wide)
            if not graded:
                return weights
            return builder.mul(weights, emit.splat(emit.load(5, event), lanes))

        total, part = (cgutils.alloca_once(builder, kind) for kind in (kinds[32], wide))
        builder.store(ir.Constant(kinds[32], [0] * lanes), total)

        def accumulate(first: Any, last: Any, step: int) -> None:
            with cgutils.for_range_slice(builder, first, last, I64(step)) as (event, _):
                rows = [row(builder.add(event, I64(k))) for k in range(step)]
                added = _tree(builder, rows, builder.add)
                builder.store(builder.add(builder.load(part), added), part)

        with cgutils.for_range_slice(builder, begin, end, I64(NARROW)) as (first, _):
            builder.store(ir.Constant(wide, [0] * lanes), part)
            past = builder.add(first, I64(NARROW))
            last = builder.select(builder.icmp_signed("<", past, end), past, end)
            middle = builder.add(first, builder.and_(builder.sub(last, first), I64(-fused)))
            accumulate(first, middle, fused)
            accumulate(middle, last, 1)
            done = builder.load(part) if graded else builder.sext(builder.load(part), kinds[32])
            builder.store(builder.add(builder.load(total), done), total)
        if signature.args[0].dtype == types.int32:
            offset = emit.load_vector(8, args[9], kinds[32])
            emit.store_vector(0, out_at, builder.add(builder.load(total), offset))
        else:
            real = ir.VectorType(F32, lanes)
            scaled = builder.sitofp(builder.load(total), real)
            scaled = builder.fmul(scaled, emit.splat(args[10], lanes))
            offset = emit.load_vector(8, args[9], real)
            emit.store_vector(0, out_at, builder.fadd(scaled, offset))
        return context.get_dummy_value()

    return generate


def _row_sum(lanes: int, graded: bool, fused: int = 4) -> Callable[..., Any]:
    """out[out_at:+lanes] = bias[bias_at:+lanes] + scale · Σ_{e in begin..end} value[e] · weight[at
    + index[e]·lanes:+lanes].

    ``value`` is read only where ``graded``. ``fused`` events are added to each other, then to the
    accumulator.
    """
    vector = ir.VectorType(F32, lanes)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        out_at, weight_at, begin, end = args[1], args[3], args[6], args[7]

        def row(event: Any) -> Any:
            index = builder.sext(emit.load(4, event), I64)
            weights = emit.load_vector(
                2, builder.add(weight_at, builder.mul(index, I64(lanes))), vector
            )
            if not graded:
                return weights
            return builder.fmul(weights, emit.splat(emit.load(5, event), lanes))

        total = cgutils.alloca_once(builder, vector)
        builder.store(ir.Constant(vector, [0.0] * lanes), total)

        def accumulate(first: Any, last: Any, step: int) -> None:
            with cgutils.for_range_slice(builder, first, last, I64(step)) as (event, _):
                rows = [row(builder.add(event, I64(k))) for k in range(step)]
                builder.store(builder.fadd(builder.load(total), _tree(builder, rows)), total)

        middle = builder.add(begin, builder.and_(builder.sub(end, begin), I64(-fused)))
        accumulate(begin, middle, fused)
        accumulate(middle, end, 1)
        scaled = builder.fmul(builder.load(total), emit.splat(args[10], lanes))
        emit.store_vector(0, out_at, builder.fadd(scaled, emit.load_vector(8, args[9], vector)))
        return context.get_dummy_value()

    integer = _integer_row_sum(lanes, graded, fused)

    @intrinsic
    def row_sum(
        typing, out, out_at, weight, weight_at, index, value, begin, end, bias, bias_at, scale
    ):
        at = types.int64
        parameters = (out, at, weight, at, index, value, at, at, bias, at, types.float32)
        return types.void(*parameters), integer if weight.dtype == types.int8 else generate

    return row_sum


row_sum_64, row_sum_32, row_sum_16 = (_row_sum(lanes, False) for lanes in (64, 32, 16))
graded_sum_64, graded_sum_32, graded_sum_16 = (_row_sum(lanes, True) for lanes in (64, 32, 16))


def _shifted_copy(dtype: Any, lanes: int = 16) -> Callable[..., Any]:
    """out[at:+lanes] = source[begin:+lanes] + shift, whole vectors (callers leave room for the
    overshoot).
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        loaded = emit.load_vector(2, args[3], ir.VectorType(dtype, lanes))
        if dtype is I32:
            loaded = builder.add(loaded, emit.splat(builder.trunc(args[4], I32), lanes))
        emit.store_vector(0, args[1], loaded)
        return context.get_dummy_value()

    @intrinsic
    def copy(typing, out, at, source, begin, shift):
        return types.void(out, types.int64, source, types.int64, types.int64), generate

    return copy


copy_shifted = _shifted_copy(I32)
copy_values = _shifted_copy(F32)


@intrinsic
def active_mask_16(typing, x, at):
    """Bit k of the result: x[at + k] ≠ 0 (NaN counts as non-zero), k < 16."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(F32, 16)
        loaded = _Emit(context, builder, signature, args).load_vector(0, args[1], vector)
        active = builder.fcmp_unordered("!=", loaded, ir.Constant(vector, [0.0] * 16))
        return builder.zext(builder.bitcast(active, ir.IntType(16)), I64)

    return types.int64(x, types.int64), generate


@intrinsic
def fetch(typing, x, at):
    """Ask memory for the cache line of x[at], which is read soon."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, I32, I32, I32])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        place = _Emit(context, builder, signature, args).address(0, args[1])
        builder.call(ask, [builder.bitcast(place, pointer), I32(0), I32(2), I32(1)])
        return context.get_dummy_value()

    return types.void(x, types.int64), generate


@intrinsic
def lowest_bit(typing, mask):
    """Position of the lowest set bit of a non-zero mask."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.int64(types.int64), generate


@intrinsic
def list_16(typing, index, at, mask, number):
    """Write number + k for every set bit k < 16 of mask, one after the other, from index[at] on;
    what lies behind them, up to index[at + 15], is overwritten."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit, vector = _Emit(context, builder, signature, args), ir.VectorType(I32, 16)
        lanes = ir.VectorType(ir.IntType(1), 16)
        first = emit.splat(builder.trunc(args[3], I32), 16)
        numbers = builder.add(first, ir.Constant(vector, list(range(16))))
        chosen = builder.bitcast(builder.trunc(args[2], ir.IntType(16)), lanes)
        kind = ir.FunctionType(vector, [vector, lanes, vector])
        name = "llvm.experimental.vector.compress.v16i32"
        compress = cgutils.get_or_insert_function(builder.module, kind, name)
        nothing = ir.Constant(vector, ir.Undefined)
        emit.store_vector(0, args[1], builder.call(compress, [numbers, chosen, nothing]))
        return context.get_dummy_value()

    return types.void(index, types.int64, types.int64, types.int64), generate


@intrinsic
def ones(typing, word):
    """Number of set bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.int64), generate


@intrinsic
def add_8(typing, out, at, source, begin, factor):
    """out[at:+8] += factor · source[begin:+8]."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        vector = ir.VectorType(F32, 8)
        term = builder.fmul(emit.load_vector(2, args[3], vector), emit.splat(args[4], 8))
        emit.store_vector(0, args[1], builder.fadd(emit.load_vector(0, args[1], vector), term))
        return context.get_dummy_value()

    return types.void(out, types.int64, source, types.int64, types.float32), generate


@intrinsic
def add_splat_16(typing, out, at, source, begin, offset):
    """out[at:+16] = source[begin:+16] + offset."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        loaded = emit.load_vector(2, args[3], ir.VectorType(F32, 16))
        emit.store_vector(0, args[1], builder.fadd(loaded, emit.splat(args[4], 16)))
        return context.get_dummy_value()

    return types.void(out, types.int64, source, types.int64, types.float32), generate


def _affine(lanes: int, added: bool) -> Callable[..., Any]:
    """out[at:+lanes] = (other[at:+lanes] +) x[at:+lanes] · scale + bias; scale and bias are arrays,
    read from ``where`` on, or numbers. ``out`` may be ``x`` or ``other``.
    """
    vector = ir.VectorType(F32, lanes)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)

        def constant(k: int) -> Any:
            if signature.args[k] == types.float32:
                return emit.splat(args[k], lanes)
            return emit.load_vector(k, args[6], vector)

        scaled = builder.fmul(emit.load_vector(2, args[1], vector), constant(4))
        out = builder.fadd(scaled, constant(5))
        if added:
            out = builder.fadd(emit.load_vector(3, args[1], vector), out)
        emit.store_vector(0, args[1], out)
        return context.get_dummy_value()

    @intrinsic
    def affine(typing, out, at, x, other, scale, bias, where):
        whole = types.int64
        return types.void(out, whole, x, other, scale, bias, whole), generate

    return affine


affine_16, affine_1 = _affine(16, False), _affine(1, False)
affine_add_16, affine_add_1 = _affine(16, True), _affine(1, True)


@intrinsic
def largest_16(typing, out, at, x, begin, step, count):
    """out[at:+16] = the largest of x[begin + j·step:+16], j < count, lane by lane; no NaN."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        vector = ir.VectorType(F32, 16)
        total = cgutils.alloca_once(builder, vector)
        builder.store(emit.load_vector(2, args[3], vector), total)
        with cgutils.for_range_slice(builder, I64(1), args[5], I64(1)) as (j, _):
            place = builder.add(args[3], builder.mul(j, args[4]))
            loaded, held = emit.load_vector(2, place, vector), builder.load(total)
            more = builder.fcmp_ordered(">", loaded, held)
            builder.store(builder.select(more, loaded, held), total)
        emit.store_vector(0, args[1], builder.load(total))
        return context.get_dummy_value()

    n = types.int64
    return types.void(out, n, x, n, n, n), generate


@intrinsic
def column_words(typing, words, at, x, begin, step, count):
    """Bit c of words[at + j]: x[begin + c·step + j] ≠ 0, for j < 16 and c < count ≤ 64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        vector, bits = ir.VectorType(F32, 16), ir.VectorType(I64, 16)
        zeros, none = ir.Constant(vector, [0.0] * 16), ir.Constant(bits, [0] * 16)
        total = cgutils.alloca_once(builder, bits)
        builder.store(none, total)
        with cgutils.for_range(builder, args[5]) as loop:
            place = builder.add(args[3], builder.mul(loop.index, args[4]))
            active = builder.fcmp_unordered("!=", emit.load_vector(2, place, vector), zeros)
            bit = emit.splat(builder.shl(I64(1), loop.index), 16)
            chosen = builder.select(active, bit, none)
            builder.store(builder.or_(builder.load(total), chosen), total)
        emit.store_vector(0, args[1], builder.load(total))
        return context.get_dummy_value()

    at_type = types.int64
    return types.void(words, at_type, x, at_type, at_type, at_type), generate


@intrinsic
def add_active_16(typing, out, at, x, begin, step, count):
    """out[at + j] = how many of x[begin + c·step + j], c < count, are not 0, for j < 16 (int32)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)
        vector, whole = ir.VectorType(F32, 16), ir.VectorType(I32, 16)
        zeros = ir.Constant(vector, [0.0] * 16)
        total = cgutils.alloca_once(builder, whole)
        builder.store(ir.Constant(whole, [0] * 16), total)
        with cgutils.for_range(builder, args[5]) as loop:
            place = builder.add(args[3], builder.mul(loop.index, args[4]))
            active = builder.fcmp_unordered("!=", emit.load_vector(2, place, vector), zeros)
            builder.store(builder.sub(builder.load(total), builder.sext(active, whole)), total)
        emit.store_vector(0, args[1], builder.load(total))
        return context.get_dummy_value()

    at_type = types.int64
    return types.void(out, at_type, x, at_type, at_type, at_type), generate
