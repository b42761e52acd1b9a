"""One step of plain neurons, sixteen at a time in registers: the roundings of ``_neuron_scan``,
in its order.

Generic LLVM vectors without fast-math flags, like ``_vectors``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from neurosim.ops._vectors import F32, I64, _Emit, intrinsic

DECAY, ADD_LEAK, LEAK_ADD, DIFFERENCE = range(4)  # of ``integrate``; positions in ir.neuron.CHOICES


def _charged(builder: Any, integrate: Any, v: Any, u: Any, k: Any, rest: Any, kind: Any) -> Any:
    """v after the input current u = gain · x; k is the decay where ``integrate`` is "decay"."""
    held = cgutils.alloca_once(builder, kind)

    def leak(drive: Any) -> None:
        builder.store(builder.fadd(v, builder.fmul(k, drive)), held)

    def case(number: int) -> Any:
        return builder.if_else(builder.icmp_signed("==", integrate, I64(number)))

    with case(DIFFERENCE) as (then, other):
        with then:
            leak(builder.fsub(u, builder.fsub(v, rest)))
        with other, case(DECAY) as (then_decay, rested):
            with then_decay:
                builder.store(builder.fadd(builder.fmul(k, v), u), held)
            with rested, case(ADD_LEAK) as (then_add, leak_add):
                with then_add:
                    leak(builder.fsub(builder.fadd(u, rest), v))
                with leak_add:
                    leak(builder.fadd(builder.fsub(rest, v), u))
    return builder.load(held)


def _step(lanes: int) -> Callable[..., Any]:
    """Move v[v_at:+lanes] by x[x_at:+lanes]; bit k of the result: neuron k fired.

    ``scale``, ``bias``: arrays read at ``at``, or one number each.
    """
    kind = ir.VectorType(F32, lanes)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = _Emit(context, builder, signature, args)

        def affine(k: int) -> Any:
            if isinstance(signature.args[k], types.Array):
                return emit.load_vector(k, args[6], kind)
            return emit.splat(args[k], lanes)

        gain, k, rest, theta, value, minus = (emit.splat(args[7 + j], lanes) for j in range(6))
        integrate, at_least, resets, to_value = args[13:17]
        v, x = emit.load_vector(0, args[1], kind), emit.load_vector(2, args[3], kind)
        u = builder.fmul(gain, builder.fadd(builder.fmul(x, affine(4)), affine(5)))
        v = _charged(builder, integrate, v, u, k, rest, kind)
        none = I64(0)
        fired = builder.select(
            emit.splat(builder.icmp_signed("!=", at_least, none), lanes),
            builder.fcmp_ordered(">=", v, theta),
            builder.fcmp_ordered(">", v, theta),
        )
        replaced = emit.splat(builder.icmp_signed("!=", to_value, none), lanes)
        cleared = builder.select(replaced, value, builder.fsub(v, minus))
        clears = builder.and_(fired, emit.splat(builder.icmp_signed("!=", resets, none), lanes))
        emit.store_vector(0, args[1], builder.select(clears, cleared, v))
        return builder.zext(builder.bitcast(fired, ir.IntType(lanes)), I64)

    @intrinsic
    def step(typing, v, v_at, x, x_at, scale, bias, at, gain, k, rest, theta, value, minus,
             integrate, at_least, resets, to_value):  # fmt: skip
        whole, number = types.int64, types.float32
        numbers = (number,) * 6 + (whole,) * 4
        parameters = (v, whole, x, whole, scale, bias, whole, *numbers)
        return types.int64(*parameters), generate

    return step


step_16, step_1 = _step(16), _step(1)


@intrinsic
def store_ones_16(typing, out, at, mask):
    """out[at + k] = 1.0 where bit k of the mask is set, else 0.0, for k < 16."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(F32, 16)
        bits = builder.bitcast(builder.trunc(args[2], ir.IntType(16)),
                               ir.VectorType(ir.IntType(1), 16))  # fmt: skip
        one, none = (ir.Constant(kind, [number] * 16) for number in (1.0, 0.0))
        emit = _Emit(context, builder, signature, args)
        emit.store_vector(0, args[1], builder.select(bits, one, none))
        return context.get_dummy_value()

    return types.void(out, types.int64, types.int64), generate
