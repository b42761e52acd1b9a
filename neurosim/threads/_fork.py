"""The fork of a compiled loop: an LLVM function that takes ranges from a shared counter until none
is left, handed to whatever starts threads. Import this module where it is used: it imports numba.

A kernel gets a loop of its own, in its own module, so that numba's cache sees both change
together::

    @body
    def kernel(first, last, *args): ...

    @compiled
    def kernel_loop(start, threads, tasks, chunk, args):
        return fork(kernel, start, threads, tasks, chunk, args)
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils

from neurosim.threads._kept import Kept

I32, I64 = ir.IntType(32), ir.IntType(64)
POINTER = ir.IntType(8).as_pointer()
BODY = ir.FunctionType(ir.VoidType(), [POINTER])
START = ir.FunctionType(ir.VoidType(), [BODY.as_pointer(), POINTER, I32, I32])
NEXT, FAILED, TASKS, CHUNK, ARGS = range(5)  # what the threads share
intrinsic: Any = extending.intrinsic  # its decorated functions take one argument less
_njit: Any = njit
_bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # not called from Python
_called = _njit(nogil=True, error_model="numpy")
# Of a kernel, whose loop is kept with it inside, and of its inner functions. With ``_nrt``, each
# call and each row that is cut out of an array would count references: atomic operations, for which
# the threads fight, that cost more than most of what they do. Without, nothing can be allocated.
body = _njit(nogil=True, error_model="numpy", _nrt=False, **_bare)
roomy_body = _njit(nogil=True, error_model="numpy", **_bare)  # of a kernel that allocates
inlined = _njit(nogil=True, forceinline=True, error_model="numpy", _nrt=False, **_bare)


def compiled(function: Any) -> Any:
    """A function that Python calls; compiled once, kept on disk."""
    made = _called(function)
    made._cache = Kept(function)
    return made


@intrinsic
def fork(
    typing: Any, kernel: Any, start: Any, threads: Any, tasks: Any, chunk: Any, args: Any
) -> Any:
    """Run ``kernel(first, last, *args)`` over range(tasks), ``chunk`` at a time, on ``threads``
    threads that ``start`` (the address of a ``GOMP_parallel``) brings; by one thread, on this one.
    Returns whether a call failed, as an int64.
    """
    called = kernel.get_call_type(typing, (types.intp, types.intp, *args.types), {})
    numbers = (types.intp,) * 4

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _, start_at, team, *shared = values
        kind = ir.LiteralStructType([I64, I64, I64, I64, context.get_value_type(args)])
        data = cgutils.alloca_once(builder, kind)
        for k, value in enumerate((I64(0), I64(0), *shared)):
            builder.store(value, _field(builder, data, k))
        loop = _outlined(context, builder.module, kernel, called, kind)
        opaque = builder.bitcast(data, POINTER)
        with builder.if_else(builder.icmp_signed("<=", team, I64(1))) as (alone, together):
            with alone:
                builder.call(loop, [opaque])
            with together:
                begin = builder.inttoptr(start_at, START.as_pointer())
                builder.call(begin, [loop, opaque, builder.trunc(team, I32), I32(0)])
        return builder.load(_field(builder, data, FAILED))

    return types.intp(kernel, *numbers, args), generate


def _field(builder: Any, data: Any, k: int) -> Any:
    return builder.gep(data, [I32(0), I32(k)], inbounds=True)


def _outlined(context: Any, module: Any, kernel: Any, called: Any, kind: Any) -> Any:
    """``void loop(void *data)``: takes the next range until none is left."""
    function = ir.Function(module, BODY, module.get_unique_name("ranges"))
    function.linkage = "internal"
    entry, head, work, done = (function.append_basic_block(n) for n in ("", "head", "work", "done"))
    b = ir.IRBuilder(entry)
    data = b.bitcast(function.args[0], kind.as_pointer())
    tasks, chunk, args = (b.load(_field(b, data, k)) for k in (TASKS, CHUNK, ARGS))
    b.branch(head)
    b.position_at_end(head)
    first = b.atomic_rmw("add", _field(b, data, NEXT), chunk, "monotonic")
    b.cbranch(b.icmp_signed("<", first, tasks), work, done)
    b.position_at_end(work)
    end = b.add(first, chunk)
    last = b.select(b.icmp_signed("<", end, tasks), end, tasks)
    items = [b.extract_value(args, k) for k in range(len(called.args) - 2)]
    made = kernel.dispatcher.overloads[called.args]
    context.add_linking_libs([made.library])
    status, _ = context.call_internal_no_propagate(b, made.fndesc, called, [first, last, *items])
    b.atomic_rmw("or", _field(b, data, FAILED), b.zext(status.is_error, I64), "monotonic")
    b.branch(head)
    b.position_at_end(done)
    b.ret_void()
    return function
