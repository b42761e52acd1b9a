"""Fused functions spelled out, so that every product in them is seen: attention, LSTM, GRU,
circular padding.

Sources: the equations in the documentation of torch.nn.functional.scaled_dot_product_attention,
torch.nn.LSTM, GRU and RNN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from neurosim.capture.as_spikes import as_spikes
from neurosim.capture.rules._table import NoRule
from neurosim.capture.trace import Poison, Trace
from neurosim.errors import CaptureError

_BACKWARDS = (
    "at {path!r}: a bidirectional {what} reads the clip backwards, which no step-by-step machine "
    "can; "
    "use bidirectional=False"
)


def attention(
    trace: Trace,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(Q Kᵀ · scale + mask) V."""
    if enable_gqa or not any(trace.traced(t) for t in (query, key, value)):
        return NotImplemented
    scores = (query @ key.transpose(-2, -1)) * (
        scale if scale is not None else 1.0 / math.sqrt(query.shape[-1])
    )
    if is_causal:
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        scores = scores.masked_fill(~allowed, float("-inf"))
    elif attn_mask is not None and attn_mask.dtype is torch.bool:
        scores = scores.masked_fill(~attn_mask, float("-inf"))
    elif attn_mask is not None:
        scores = scores + attn_mask
    return torch.softmax(scores, -1) @ value


def circular(
    trace: Trace, x: Tensor, pad: Any, mode: str = "constant", value: float | None = None
) -> Any:
    """Circular padding as a concat of slices."""
    if mode != "circular" or not trace.traced(x):
        return NotImplemented
    for i in range(len(pad) // 2):
        before, after, dim, n = pad[2 * i], pad[2 * i + 1], x.ndim - 1 - i, x.shape[x.ndim - 1 - i]
        if before < 0 or after < 0:
            return NotImplemented
        parts = [x.narrow(dim, n - before, before)] if before else []
        parts += [x] + ([x.narrow(dim, 0, after)] if after else [])
        x = torch.cat(parts, dim) if len(parts) > 1 else x
    return x


def lstm(
    trace: Trace,
    x: Tensor,
    state: Any,
    weights: Any,
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> Any:
    """i, f, o = σ(…), g = tanh(…); c ← f·c + i·g; h ← o·tanh(c)."""
    if not trace.traced(x) or not isinstance(state, (tuple, list)) or len(state) != 2:
        return NotImplemented
    if bidirectional:
        raise CaptureError(_BACKWARDS.format(path=trace.place.path, what="LSTM"))

    def cell(gates: Tensor, hidden: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        i, f, g, o = gates.chunk(4, -1)
        c = torch.sigmoid(f) * hidden[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    sequence, finals = _recurrent(x, state, weights, has_biases, layers, batch_first, cell)
    return (sequence, *finals)


def gru(
    trace: Trace,
    x: Tensor,
    state: Any,
    weights: Any,
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> Any:
    """r, z = σ(…); n = tanh(W x + b + r·(U h + c)); h ← (1 − z)·n + z·h."""
    if not trace.traced(x) or not isinstance(state, Tensor):
        return NotImplemented
    if bidirectional:
        raise CaptureError(_BACKWARDS.format(path=trace.place.path, what="GRU"))
    sequence = x.transpose(0, 1) if batch_first else x
    finals, per_layer = [], 4 if has_biases else 2
    for layer in range(layers):
        w_x, w_h, *biases = weights[per_layer * layer : per_layer * (layer + 1)]
        b_x, b_h = biases if biases else (None, None)
        h, outputs = state[layer], []
        for step in sequence.unbind(0):
            (xr, xz, xn), (hr, hz, hn) = (
                F.linear(step, w_x, b_x).chunk(3, -1),
                F.linear(h, w_h, b_h).chunk(3, -1),
            )
            z = torch.sigmoid(xz + hz)
            new = torch.tanh(xn + torch.sigmoid(xr + hr) * hn)
            h = (1 - z) * new + z * h
            outputs.append(h)
        sequence = torch.stack(outputs)
        finals.append(h)
    return (sequence.transpose(0, 1) if batch_first else sequence), torch.stack(finals)


def _recurrent(
    x: Tensor,
    state: Any,
    weights: Any,
    has_biases: bool,
    layers: int,
    batch_first: bool,
    cell: Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]],
) -> tuple[Tensor, list[Tensor]]:
    sequence, per_layer = (x.transpose(0, 1) if batch_first else x), 4 if has_biases else 2
    finals: list[list[Tensor]] = [[] for _ in state]
    for layer in range(layers):
        w_x, w_h, *biases = weights[per_layer * layer : per_layer * (layer + 1)]
        b_x, b_h = biases if biases else (None, None)
        hidden, outputs = tuple(s[layer] for s in state), []
        for step in sequence.unbind(0):
            hidden = cell(F.linear(step, w_x, b_x) + F.linear(hidden[0], w_h, b_h), hidden)
            outputs.append(hidden[0])
        sequence = torch.stack(outputs)
        for kept, value in zip(finals, hidden, strict=True):
            kept.append(value)
    return (sequence.transpose(0, 1) if batch_first else sequence), [torch.stack(f) for f in finals]


def linear(trace: Trace, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    """One linear node, whatever torch would split it into."""
    from neurosim.capture.rules.algebra import linear as emit

    value = trace.val(x)
    if value is None or trace.traced(weight) or trace.traced(bias) or weight.ndim != 2:
        return NotImplemented
    with trace.pause():
        out = F.linear(x, weight, bias)
    trace.packet = "linear"
    try:
        trace.set(out, emit(trace, value, weight, bias))
    except NoRule as missing:
        trace.miss(str(missing))
        trace.set(out, Poison())
    return out


def instance_norm(
    trace: Trace,
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """A group norm with one channel a group; with running statistics, a batch norm."""
    if not trace.traced(x):
        return NotImplemented
    if use_input_stats:
        return F.group_norm(x, x.shape[1], weight, bias, eps)
    return F.batch_norm(x, running_mean, running_var, weight, bias, False, 0.0, eps)


def glu(trace: Trace, x: Tensor, dim: int = -1) -> Any:
    """a · σ(b), the halves of x."""
    if not trace.traced(x):
        return NotImplemented
    a, b = x.chunk(2, dim)
    return a * torch.sigmoid(b)


def declared(trace: Trace, x: Tensor, lo: int = 0, hi: int = 1) -> Any:
    """``as_spikes``: a node that carries the declaration."""
    value = trace.val(x)
    if value is None:
        return NotImplemented
    with trace.pause():
        out = as_spikes(x, lo, hi).clone()
    trace.packet = "as_spikes"
    trace.set(out, trace.emit("as_spikes", [value], value.dims, {"lo": lo, "hi": hi}))
    return out


TABLE: dict[Any, Callable[..., Any]] = {
    F.scaled_dot_product_attention: attention,
    F.pad: circular,
    torch.lstm: lstm,
    torch.gru: gru,
    F.linear: linear,
    torch._VF.lstm: lstm,
    torch._VF.gru: gru,
    F.instance_norm: instance_norm,
    F.glu: glu,
    as_spikes: declared,
}
