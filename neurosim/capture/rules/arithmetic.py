"""Element-wise arithmetic: activities with each other, activities with constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.axes import Dims
from neurosim.capture.rules._table import Aten, NoRule, required, rule
from neurosim.capture.trace import Trace, Val


def fitted(trace: Trace, value: Val, dims: Dims, out: Dims) -> Val:
    """The operand reshaped so that its slice broadcasts against the slice of ``out``."""
    shape = tuple(
        axes.inner(d) if axes.size(d) > 1 else 1
        for d, o in zip(dims, out, strict=True)
        if axes.kept(o)
    )
    wanted = tuple(
        d if axes.kept(o) else tuple(a for a in d if a[0] in "TB")
        for d, o in zip(dims, out, strict=True)
    )
    if shape == value.shape:
        return Val(value.record, dims, value.step)
    seen = Val(value.record, value.dims, value.step)
    return trace.emit("reshape", [seen], wanted, {"shape": shape})


def two(trace: Trace, op: str, a: Val, b: Val, attrs: dict[str, Any] | None = None) -> Val:
    """An operator of two activities, broadcast."""
    a, b = trace.same_pace([a, b])
    left, right, out = axes.aligned(a.dims, b.dims)
    operands = [fitted(trace, a, left, out), fitted(trace, b, right, out)]
    return trace.emit(op, operands, out, attrs)


def with_constant(trace: Trace, op: str, value: Val, constant: Any, first: bool = False) -> Val:
    """value ∘ constant (or constant ∘ value: ``first``), ∘: add, subtract, multiply, divide."""
    tensor = constant if isinstance(constant, Tensor) else torch.tensor(float(constant))
    dims, array, per_step = placed(trace, value, tensor)
    value = fitted(trace, value, ((),) * (len(dims) - len(value.dims)) + value.dims, dims)
    params, attrs = affine_params(op, array, first), {"per_step": True} if per_step else {}
    if op == "divide" and not first:
        attrs["divide"] = True
    if params is None:
        raise NoRule("a constant divided by an activity")
    if not params or (value.step is None and _identity(params)):
        return (
            Val(value.record, dims, value.step) if value.shape == axes.slice_shape(dims) else value
        )
    raw = None
    if op in ("add", "subtract", "multiply") and not per_step:
        raw = (
            "multiply" if op == "multiply" else "add",
            {"subtract": op == "subtract", "first": first},
            array[0],
        )
    if not per_step:
        params = {k: p[0] for k, p in params.items()}
    return trace.emit("affine", [value], dims, attrs, params, raw)


def placed(trace: Trace, value: Val, tensor: Tensor) -> tuple[Dims, Tensor, bool]:
    """(axes of the result, constant as (1 or steps, *slice), whether it differs by step)."""
    const: Dims = tuple(axes.plain(n) for n in tensor.shape)
    rank = max(len(value.dims), len(const))
    mine = ((),) * (rank - len(value.dims)) + value.dims
    const = ((),) * (rank - len(const)) + const
    out = tuple(
        c if axes.size(m) == 1 and axes.size(c) > 1 else m for m, c in zip(mine, const, strict=True)
    )
    array = trace.per_slice(tensor.reshape((1,) * (rank - tensor.ndim) + tuple(tensor.shape)), out)
    return out, array, array.shape[0] > 1


def affine_params(op: str, c: Tensor, first: bool) -> dict[str, Tensor] | None:
    """scale and bias of value ∘ c."""
    one = torch.ones((1,) * c.ndim)
    table = {
        ("add", False): {"bias": c},
        ("add", True): {"bias": c},
        ("subtract", False): {"bias": -c},
        ("subtract", True): {"scale": -one, "bias": c},
        ("multiply", False): {"scale": c},
        ("multiply", True): {"scale": c},
        ("divide", False): {"scale": c},
    }
    return table.get((op, first))


def _identity(params: dict[str, Tensor]) -> bool:
    return all(
        p.numel() == 1 and float(p) == (1.0 if k == "scale" else 0.0) for k, p in params.items()
    )


_NAMES = {
    "add": "add",
    "sub": "subtract",
    "subtract": "subtract",
    "mul": "multiply",
    "multiply": "multiply",
    "div": "divide",
    "divide": "divide",
    "true_divide": "divide",
}


@rule("add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide")
def arithmetic(trace: Trace, call: Aten) -> Val:
    """Two operands, one of which may be a constant; ``alpha`` scales the second."""
    op, (a, b), alpha = _NAMES[call.name], call.args[:2], call.kwargs.get("alpha", 1)
    if call.kwargs.get("rounding_mode"):
        raise NoRule(f"aten.div with rounding_mode={call.kwargs['rounding_mode']!r}")
    x, y = trace.val(a), trace.val(b)
    if x is not None and y is not None:
        if op == "divide":
            y, op = unary(trace, y, "reciprocal"), "multiply"
        if alpha != 1:
            y = with_constant(trace, "multiply", y, alpha)
        if op in ("add", "subtract"):
            return two(trace, "add", x, y, {"subtract": True} if op == "subtract" else {})
        return two(trace, "multiply", x, y)
    if x is not None:
        return with_constant(trace, op, x, b * alpha if alpha != 1 else b)
    assert y is not None
    if op == "divide":
        return with_constant(trace, "multiply", unary(trace, y, "reciprocal"), a)
    if alpha != 1:
        y = with_constant(trace, "multiply", y, alpha)
    return with_constant(trace, op, y, a, first=True)


@rule("rsub")
def rsub(trace: Trace, call: Aten) -> Val:
    """other − self."""
    return with_constant(
        trace, "subtract", required(trace, call.args[0], call), call.args[1], first=True
    )


@rule("neg")
def neg(trace: Trace, call: Aten) -> Val:
    """−self."""
    return with_constant(trace, "multiply", required(trace, call.args[0], call), -1.0)


@rule("addcmul")
def addcmul(trace: Trace, call: Aten) -> Val:
    """self + value · a · b, spelled out."""
    a = _product(trace, call.args[1], call.args[2])
    scale = call.kwargs.get("value", 1)
    if not isinstance(a, Val):
        return _sum(trace, call.args[0], a * scale)
    return _sum(
        trace, call.args[0], a if scale == 1 else with_constant(trace, "multiply", a, scale)
    )


@rule("lerp")
def lerp(trace: Trace, call: Aten) -> Val:
    """self + weight · (end − self)."""
    start, end, weight = call.args
    difference = _sum(trace, end, start, subtract=True)
    return _sum(trace, start, _product(trace, difference, weight))


def _product(trace: Trace, a: Any, b: Any) -> Any:
    constant: Any = a
    x = a if isinstance(a, Val) else trace.val(a)
    y = b if isinstance(b, Val) else trace.val(b)
    if x is not None and y is not None:
        return two(trace, "multiply", x, y)
    if x is not None:
        return with_constant(trace, "multiply", x, b)
    return constant * b if y is None else with_constant(trace, "multiply", y, constant)


def _sum(trace: Trace, a: Any, b: Any, subtract: bool = False) -> Any:
    x = a if isinstance(a, Val) else trace.val(a)
    y = b if isinstance(b, Val) else trace.val(b)
    if x is not None and y is not None:
        return two(trace, "add", x, y, {"subtract": True} if subtract else {})
    if x is not None:
        return with_constant(trace, "subtract" if subtract else "add", x, b)
    assert y is not None
    return with_constant(trace, "subtract" if subtract else "add", y, a, first=True)


_RELATIONS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}
_MIRROR = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}


@rule(*_RELATIONS)
def compare(trace: Trace, call: Aten) -> Val:
    """A comparison makes spikes."""
    relation, (a, b) = _RELATIONS[call.name], call.args
    x, y = trace.val(a), trace.val(b)
    if x is not None and y is not None:
        return two(trace, "compare", x, y, {"relation": relation})
    if x is None:
        x, b, relation = y, a, _MIRROR[relation]
    assert x is not None
    if not isinstance(b, Tensor) or b.ndim == 0:
        return trace.emit("compare", [x], x.dims, {"relation": relation, "threshold": float(b)})
    dims, array, per_step = placed(trace, x, b)
    if per_step:
        raise NoRule("a comparison with a threshold that differs from step to step")
    return trace.emit("compare", [x], dims, {"relation": relation}, {"threshold": array[0]})


@rule("heaviside")
def heaviside(trace: Trace, call: Aten) -> Val:
    """1 above 0; the second argument says what 0 is."""
    x, at_zero = required(trace, call.args[0], call), call.args[1]
    if trace.traced(at_zero) or at_zero.numel() != 1 or float(at_zero) not in (0.0, 1.0):
        raise NoRule("aten.heaviside with a value at 0 other than 0 or 1")
    return trace.emit(
        "compare", [x], x.dims, {"relation": ">=" if float(at_zero) else ">", "threshold": 0.0}
    )


@rule("logical_and", "bitwise_and")
def both(trace: Trace, call: Aten) -> Val:
    """and: the product of two spikes."""
    return _product(trace, call.args[0], call.args[1])


@rule("logical_not", "bitwise_not")
def negated(trace: Trace, call: Aten) -> Val:
    """1 − spike."""
    return with_constant(trace, "subtract", required(trace, call.args[0], call), 1.0, first=True)


@rule("masked_fill")
def masked_fill(trace: Trace, call: Aten) -> Val:
    """A constant mask: scale by its complement, add the filling."""
    value, mask, number = required(trace, call.args[0], call), call.args[1], call.args[2]
    if trace.traced(mask) or trace.traced(number):
        raise NoRule("aten.masked_fill by a mask that depends on the clip")
    filling = torch.zeros(mask.shape).masked_fill(mask, float(number))
    if not torch.isinf(filling).any():
        value = with_constant(trace, "multiply", value, (~mask).float())
    return with_constant(trace, "add", value, filling)


@rule("where")
def where(trace: Trace, call: Aten) -> Val:
    """condition·a + (1 − condition)·b."""
    condition, a, b = call.args
    c = trace.val(condition)
    if c is None:
        kept, other = condition.float(), (~condition).float()
        left = _product(trace, a, kept) if trace.traced(a) else torch.where(condition, a, 0.0)
        right = _product(trace, b, other) if trace.traced(b) else torch.where(condition, 0.0, b)
        return _sum(trace, left, right)
    left = _product(trace, c, a)
    rest = with_constant(trace, "subtract", c, 1.0, first=True)
    if not trace.traced(b) and isinstance(b, Tensor) and b.numel() == 1 and float(b) == 0:
        return left
    return _sum(trace, left, _product(trace, rest, b))


_UNARY = {
    "relu": "relu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "gelu": "gelu",
    "silu": "silu",
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "rsqrt": "rsqrt",
    "reciprocal": "reciprocal",
    "abs": "abs",
    "elu": "elu",
    "softplus": "softplus",
    "hardsigmoid": "hardsigmoid",
    "hardswish": "hardswish",
    "mish": "mish",
    "erf": "erf",
    "sin": "sin",
    "cos": "cos",
    "leaky_relu": "leaky_relu",
    "hardtanh": "hardtanh",
    "clamp": "clamp",
    "clamp_min": "clamp",
    "clamp_max": "clamp",
    "atan": "atan",
    "sign": "sign",
    "relu6": "relu6",
    "pow": "pow",
    "floor": "floor",
    "round": "round",
    "ceil": "ceil",
}


def unary(
    trace: Trace, value: Val, function: str, arguments: Sequence[Any] = (), **options: Any
) -> Val:
    """A function of one activity."""
    attrs = {"function": function, "arguments": tuple(arguments), "options": options}
    return trace.emit("activation", [value], value.dims, attrs)


@rule(*_UNARY)
def activation(trace: Trace, call: Aten) -> Val:
    """ReLU, sigmoid and the like; x ** 2 is x · x."""
    value, rest = required(trace, call.args[0], call), call.args[1:]
    if any(isinstance(r, Tensor) for r in rest):
        raise NoRule(f"aten.{call.name} with a tensor argument")
    if call.name == "pow" and rest[0] == 2:
        return two(trace, "multiply", value, value)
    options = dict(call.kwargs)
    if call.name in ("clamp_min", "clamp_max"):
        options, rest = {call.name[6:]: rest[0]}, ()
    return unary(trace, value, _UNARY[call.name], rest, **options)


@rule("_prelu_kernel")
def prelu(trace: Trace, call: Aten) -> Val:
    """max(x, 0) + weight · min(x, 0)."""
    value, weight = required(trace, call.args[0], call), call.args[1]
    if trace.traced(weight):
        raise NoRule("aten.prelu with a weight that depends on the clip")
    below = with_constant(trace, "multiply", unary(trace, value, "clamp", max=0.0), weight)
    return two(trace, "add", unary(trace, value, "relu"), below)


@rule("maximum", "minimum")
def extremum(trace: Trace, call: Aten) -> Val:
    """With a constant number: a clamp."""
    x, y = trace.val(call.args[0]), trace.val(call.args[1])
    if x is not None and y is not None:
        raise NoRule(f"aten.{call.name} of two activities")
    value, constant = (x, call.args[1]) if x is not None else (y, call.args[0])
    if constant.numel() != 1:
        raise NoRule(f"aten.{call.name} with a constant of shape {tuple(constant.shape)}")
    assert value is not None
    bound: dict[str, Any] = {"min" if call.name == "maximum" else "max": float(constant)}
    return unary(trace, value, "clamp", (), **bound)
