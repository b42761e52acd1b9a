"""Products: with constant weights a linear node, of two activities a matmul node."""

from __future__ import annotations

from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.rules._table import Aten, NoRule, required, rule
from neurosim.capture.rules.arithmetic import with_constant
from neurosim.capture.rules.time_axis import materialised, restored
from neurosim.capture.trace import Trace, Val


def linear(trace: Trace, value: Val, weight: Tensor, bias: Tensor | None) -> Val:
    """weight (out, in) over the last axis."""
    value = materialised(trace, value, len(value.dims) - 1)
    if not axes.kept(value.dims[-1]):
        raise NoRule("a linear layer over the time or batch axis")
    params = {"weight": weight} | (
        {"bias": bias.reshape(-1).expand(weight.shape[0])} if bias is not None else {}
    )
    return trace.emit(
        "linear", [value], (*value.dims[:-1], axes.plain(weight.shape[0])), {}, params
    )


@rule("linear")
def linear_rule(trace: Trace, call: Aten) -> Val:
    """torch.nn.functional.linear."""
    bias = call.arg(2, "bias")
    if trace.traced(call.args[1]) or trace.traced(bias):
        raise NoRule("aten.linear with weights that depend on the clip")
    return linear(trace, required(trace, call.args[0], call), call.args[1], bias)


@rule("mm", "matmul", "bmm", "mv", "dot")
def product(trace: Trace, call: Aten) -> Val:
    """By a constant: linear. Of two activities: matmul."""
    return multiplied(trace, call.args[0], call.args[1])


@rule("addmm", "baddbmm")
def added_product(trace: Trace, call: Aten) -> Val:
    """beta·bias + alpha·(a @ b)."""
    bias, a, b = call.args[:3]
    beta, alpha = call.kwargs.get("beta", 1), call.kwargs.get("alpha", 1)
    if trace.traced(bias):
        raise NoRule(f"aten.{call.name} with a bias that depends on the clip")
    plain = alpha == 1 and trace.val(b) is None and b.ndim == 2 and bias.ndim == 1
    if plain and trace.val(a) is not None:
        return linear(trace, required(trace, a, call), b.t(), bias * beta if beta != 1 else bias)
    value = multiplied(trace, a, b)
    if alpha != 1:
        value = with_constant(trace, "multiply", value, alpha)
    return value if beta == 0 else with_constant(trace, "add", value, bias * beta)


def multiplied(trace: Trace, a: Tensor, b: Tensor) -> Val:
    """a @ b."""
    x, y = trace.val(a), trace.val(b)
    if x is not None and y is not None:
        return activities(trace, x, y)
    if x is not None:
        return _by_right(trace, x, b)
    assert y is not None
    return _by_left(trace, a, y)


def _by_right(trace: Trace, x: Val, b: Tensor) -> Val:
    if b.ndim == 1:
        out = linear(trace, x, b[None], None)
        return trace.reshaped(out, out.dims[:-1])
    if b.ndim == 3 and bool((b == b[:1]).all()):
        b = b[0]
    if b.ndim != 2:
        raise NoRule("a batched product with constant matrices that differ within the batch")
    return linear(trace, x, b.t(), None)


def _by_left(trace: Trace, a: Tensor, y: Val) -> Val:
    if a.ndim == 3 and bool((a == a[:1]).all()):
        a = a[0]
    if a.ndim != 2 or len(y.dims) < 2:
        raise NoRule("a product with constant matrices on the left that differ within the batch")
    turned = swap_last(trace, y)
    out = linear(trace, turned, a, None)
    return swap_last(trace, out)


def swap_last(trace: Trace, value: Val) -> Val:
    """The last two axes exchanged."""
    dims = (*value.dims[:-2], value.dims[-1], value.dims[-2])
    if not (axes.kept(value.dims[-1]) and axes.kept(value.dims[-2])):
        return Val(value.record, dims, value.step)
    n = len(value.shape)
    return trace.emit("permute", [value], dims, {"order": (*range(n - 2), n - 1, n - 2)})


def activities(trace: Trace, x: Val, y: Val) -> Val:
    """(…, M, K) @ (…, K, N) of two activities; T and B may only be in the leading axes."""
    if len(x.dims) < 2 or len(y.dims) < 2:
        raise NoRule("a product of activities with a vector")
    for dim in (-1, -2):
        x = materialised(trace, x, len(x.dims) + dim)
        y = materialised(trace, y, len(y.dims) + dim)
    left, right, out = axes.aligned(x.dims[:-2], y.dims[:-2])
    rank = len(out)
    a = _lead(trace, x, left, rank)
    b = _lead(trace, y, right, rank)
    dims = (*out, a.dims[-2], b.dims[-1])
    return restored(trace, trace.emit("matmul", [a, b], dims))


def _lead(trace: Trace, value: Val, lead: axes.Dims, rank: int) -> Val:
    """Matrix axes always exist in the slice, also when they have length 1."""
    dims = (*lead, *value.dims[-2:])
    if len(dims) != len(value.dims):
        return trace.reshaped(Val(value.record, value.dims, value.step), dims)
    return Val(value.record, dims, value.step) if rank else value
