"""Convolutions, norms, pools and up-sampling."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from neurosim.capture import axes
from neurosim.capture.axes import Dims
from neurosim.capture.rules._table import Aten, NoRule, required, rule
from neurosim.capture.rules.time_axis import materialised
from neurosim.capture.trace import Trace, Val


def many(value: Any, n: int) -> tuple[int, ...]:
    """One number per axis."""
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return values * n if len(values) == 1 else values


def batched(value: Val, spatial: int, what: str) -> None:
    """Raise NoRule unless the axes are (T and B alone, C, *spatial)."""
    if len(value.dims) != spatial + 2:
        raise NoRule(f"{what} on {axes.show(value.dims)}: expects a batch axis")
    if any(r not in "TB" for r, _ in value.dims[0]):
        raise NoRule(f"{what} with an ordinary axis folded into its batch: {axes.show(value.dims)}")


@rule("convolution", "_convolution")
def convolution(trace: Trace, call: Aten) -> Val:
    """Spatial, or with time as one of its axes."""
    x, weight, bias, stride, padding, dilation, transposed, output_padding, groups = call.args[:9]
    if trace.traced(weight):
        raise NoRule("a convolution with weights that depend on the clip")
    value, n = required(trace, x, call), weight.ndim - 2
    batched(value, n, "a convolution")
    value = materialised(trace, value, 1)
    params = {"weight": weight} | ({"bias": bias} if bias is not None else {})
    attrs = {
        "stride": many(stride, n),
        "padding": many(padding, n),
        "dilation": many(dilation, n),
        "groups": int(groups),
    }
    timed = [i for i, d in enumerate(value.dims[2:]) if axes.has((d,), "T")]
    if timed:
        return _over_time(trace, call, value, params, attrs, timed[0], bool(transposed))
    attrs |= {"transposed": bool(transposed), "output_padding": many(output_padding, n)}
    shape = tuple(call.out.shape)
    dims = (value.dims[0], *(axes.plain(s) for s in shape[1:]))
    return trace.emit("convolution", [value], dims, attrs, params)


def _over_time(
    trace: Trace,
    call: Aten,
    value: Val,
    params: dict[str, Tensor],
    attrs: dict[str, Any],
    at: int,
    transposed: bool,
) -> Val:
    if transposed or axes.roles(value.dims[2 + at]) != "T":
        raise NoRule(
            "a transposed convolution over time"
            if transposed
            else "a convolution over a folded time axis"
        )
    if at:
        params = params | {"weight": params["weight"].movedim(2 + at, 2)}
        attrs = attrs | {k: _to_front(attrs[k], at) for k in ("stride", "padding", "dilation")}
    shape = list(call.out.shape)
    steps = shape[2 + at]
    spatial = [axes.plain(s) for i, s in enumerate(shape[2:]) if i != at]
    time = (("T", steps),) if steps > 1 else None
    dims: Dims = (value.dims[0], axes.plain(shape[1]), *spatial)
    lead = value.dims[0]
    if time is None:
        out = trace.emit("temporal_convolution", [value], dims, attrs, params)
        return trace.reshaped(out, (lead, axes.plain(shape[1]), *_inserted(spatial, at, ())))
    whole = (lead, axes.plain(shape[1]), *_inserted(spatial, at, time))
    return trace.emit("temporal_convolution", [value], whole, attrs, params)


def _inserted(dims: list[axes.Dim], at: int, dim: axes.Dim) -> list[axes.Dim]:
    return [*dims[:at], dim, *dims[at:]]


def _to_front(values: tuple[int, ...], at: int) -> tuple[int, ...]:
    return (values[at], *values[:at], *values[at + 1 :])


@rule(
    "native_batch_norm",
    "_native_batch_norm_legit_no_training",
    "_native_batch_norm_legit",
    "cudnn_batch_norm",
    "_batch_norm_with_update",
    "batch_norm",
)
def batch_norm(trace: Trace, call: Aten) -> list[Val | None]:
    """Per channel, or per step and channel when time is folded into the channels."""
    value = required(trace, call.args[0], call)
    weight, bias, mean, var = call.args[1:5]
    training = bool(call.args[5]) if "no_training" not in call.name else False
    if training or mean is None:
        raise NoRule(
            "a batch norm that computes statistics of the batch (training mode or no running "
            "statistics)"
        )
    eps = float(call.args[-1])
    dim = value.dims[1]
    if axes.has((dim,), "B"):
        raise NoRule("a batch norm over the batch axis")
    steps = dict(dim).get("T", 1)
    channels = axes.inner(dim)
    if steps > 1 and axes.roles(dim) not in ("TX", "T"):
        raise NoRule(f"a batch norm whose channels fold {axes.show(value.dims)}")
    given = {"weight": weight, "bias": bias, "mean": mean, "var": var}
    params = {k: v.reshape(steps, channels) for k, v in given.items() if v is not None}
    if not axes.kept(dim):
        raise NoRule("a batch norm over the steps alone")
    attrs = {"eps": eps, "axis": axes.slice_axis(value.dims, 1)} | (
        {"per_step": True} if steps > 1 else {}
    )
    return [trace.emit("batch_norm", [value], value.dims, attrs, params), None, None]


@rule("native_layer_norm", "layer_norm")
def layer_norm(trace: Trace, call: Aten) -> list[Val | None] | Val:
    """Over trailing ordinary axes."""
    value, shape = required(trace, call.args[0], call), call.args[1]
    weight, bias, eps = call.arg(2, "weight"), call.arg(3, "bias"), call.arg(4, "eps", 1e-5)
    if any(r in "TB" for d in value.dims[-len(shape) :] for r, _ in d):
        raise NoRule("a layer norm over the time or batch axis")
    params = {k: v for k, v in {"weight": weight, "bias": bias}.items() if v is not None}
    out = trace.emit(
        "layer_norm", [value], value.dims, {"axes": len(shape), "eps": float(eps)}, params
    )
    return [out, None, None] if isinstance(call.out, tuple) else out


@rule("native_group_norm", "group_norm")
def group_norm(trace: Trace, call: Aten) -> list[Val | None] | Val:
    """Over channel groups and space."""
    value = required(trace, call.args[0], call)
    fused = isinstance(call.out, tuple)
    weight, bias = call.args[1:3] if fused else (call.arg(2, "weight"), call.arg(3, "bias"))
    groups, eps = (
        (call.args[6], call.args[7]) if fused else (call.args[1], call.arg(4, "eps", 1e-5))
    )
    batched(value, len(value.dims) - 2, "a group norm")
    params = {k: v for k, v in {"weight": weight, "bias": bias}.items() if v is not None}
    if any(r in "TB" for d in value.dims[1:] for r, _ in d):
        raise NoRule("a group norm over the time axis")
    out = trace.emit(
        "layer_norm", [value], value.dims, {"groups": int(groups), "eps": float(eps)}, params
    )
    return [out, None, None] if fused else out


def _pool(trace: Trace, call: Aten, value: Val, mode: str, a: dict[str, Any]) -> Val:
    """Pooling of ordinary axes; a time axis may only be pooled by 1, or whole."""
    n = len(a["kernel"])
    if len(value.dims) == n + 1:
        raise NoRule("pooling without a batch axis")
    batched(value, n, "a pool")
    timed = [i for i, d in enumerate(value.dims[2:]) if axes.has((d,), "T")]
    shape = tuple(call.out[0].shape if isinstance(call.out, tuple) else call.out.shape)
    if not timed:
        dims = (*value.dims[:2], *(axes.plain(s) for s in shape[2:]))
        return trace.emit("pool", [value], dims, {"mode": mode, **a})
    return _pool_with_time(trace, value, mode, a, timed[0], shape)


def _pool_with_time(
    trace: Trace, value: Val, mode: str, a: dict[str, Any], at: int, shape: tuple[int, ...]
) -> Val:
    kernel, steps = a["kernel"][at], axes.size(value.dims[2 + at])
    whole = kernel == steps and shape[2 + at] == 1 and not a["padding"][at]
    each = kernel == 1 and a["stride"][at] == 1 and not a["padding"][at]
    if axes.roles(value.dims[2 + at]) != "T" or not (whole or each):
        raise NoRule(f"a pool of {kernel} of the {steps} steps; only 1 or all of them")
    rest = {k: (v[:at] + v[at + 1 :] if isinstance(v, tuple) else v) for k, v in a.items()}
    spatial = [axes.plain(s) for i, s in enumerate(shape[2:]) if i != at]
    time = value.dims[2 + at]
    if rest["kernel"] and any(
        k != 1 or s != 1 for k, s in zip(rest["kernel"], rest["stride"], strict=True)
    ):
        dims = (*value.dims[:2], *_inserted(spatial, at, time))
        value = trace.emit("pool", [value], dims, {"mode": mode, **rest})
    if not whole:
        return value
    reduced = trace.emit(
        "time_reduce",
        [value],
        axes.without(value.dims, "T"),
        {"mode": "mean" if mode == "average" else "max"},
    )
    return trace.reshaped(reduced, (*value.dims[:2], *_inserted(spatial, at, ())))


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def average_pool(trace: Trace, call: Aten) -> Val:
    """Average pooling."""
    value, n = required(trace, call.args[0], call), int(call.name[-2])
    kernel = many(call.args[1], n)
    stride = many(call.arg(2, "stride") or kernel, n)
    a = {
        "kernel": kernel,
        "stride": stride,
        "padding": many(call.arg(3, "padding", 0), n),
        "dilation": (1,) * n,
        "ceil_mode": bool(call.arg(4, "ceil_mode", False)),
        "count_include_pad": bool(call.arg(5, "count_include_pad", True)),
        "divisor": call.arg(6, "divisor_override"),
    }
    return _pool(trace, call, value, "average", a)


@rule(
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "mkldnn_max_pool2d",
    "mkldnn_max_pool3d",
)
def max_pool(trace: Trace, call: Aten) -> Any:
    """Max pooling; the indices are not followed."""
    value = required(trace, call.args[0], call)
    n = int(call.name.replace("_with_indices", "")[-2])
    kernel = many(call.args[1], n)
    stride = many(call.arg(2, "stride") or kernel, n)
    a = {
        "kernel": kernel,
        "stride": stride,
        "padding": many(call.arg(3, "padding", 0), n),
        "dilation": many(call.arg(4, "dilation", 1), n),
        "ceil_mode": bool(call.arg(5, "ceil_mode", False)),
        "count_include_pad": True,
        "divisor": None,
    }
    found = _pool(trace, call, value, "max", a)
    return [found, None] if isinstance(call.out, tuple) else found


@rule(
    "adaptive_avg_pool1d",
    "_adaptive_avg_pool2d",
    "_adaptive_avg_pool3d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool3d",
)
def adaptive_pool(trace: Trace, call: Aten) -> Any:
    """A plain pool where the sizes divide."""
    value = required(trace, call.args[0], call)
    n = len(call.args[1])
    sizes = tuple(axes.size(d) for d in value.dims[-n:])
    target = tuple(s if t is None else t for s, t in zip(sizes, call.args[1], strict=True))
    if any(s % t for s, t in zip(sizes, target, strict=True)):
        raise NoRule(f"adaptive pooling from {sizes} to {target}, which do not divide")
    kernel = tuple(s // t for s, t in zip(sizes, target, strict=True))
    a = {
        "kernel": kernel,
        "stride": kernel,
        "padding": (0,) * n,
        "dilation": (1,) * n,
        "ceil_mode": False,
        "count_include_pad": True,
        "divisor": None,
    }
    found = _pool(trace, call, value, "max" if "max" in call.name else "average", a)
    return [found, None] if isinstance(call.out, tuple) else found


@rule(
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
    "upsample_linear1d",
    "upsample_bilinear2d",
    "upsample_trilinear3d",
    "upsample_bicubic2d",
    "_upsample_nearest_exact2d",
)
def upsample(trace: Trace, call: Aten) -> Val:
    """Up-sampling to the size that torch computed."""
    value, size = required(trace, call.args[0], call), tuple(call.out.shape[2:])
    batched(value, len(size), "up-sampling")
    if any(r in "TB" for d in value.dims[1:] for r, _ in d):
        raise NoRule("up-sampling of the time axis")
    mode = call.name.removeprefix("_").removeprefix("upsample_")[:-2]
    mode = {"nearest_exact": "nearest-exact"}.get(mode, mode)
    corners = (
        bool(call.args[2])
        if mode not in ("nearest", "nearest-exact") and len(call.args) > 2
        else False
    )
    if not _ratio_is_plain(call, value, size):
        raise NoRule("up-sampling by a scale factor that does not divide the size")
    dims = (*value.dims[:2], *(axes.plain(s) for s in size))
    return trace.emit(
        "upsample", [value], dims, {"mode": mode, "size": size, "align_corners": corners}
    )


def _ratio_is_plain(call: Aten, value: Val, size: tuple[int, ...]) -> bool:
    """Whether interpolating to ``size`` equals interpolating by the given scale factors."""
    factors = [
        f for a in call.args[1:] if isinstance(a, (list, tuple)) for f in a if isinstance(f, float)
    ]
    factors += [a for a in call.args[2:] if isinstance(a, float)]
    before = [axes.size(d) for d in value.dims[2:]]
    return all(math.isclose(b * f, s) for b, f, s in zip(before, factors, size, strict=False))
