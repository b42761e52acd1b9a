"""What a layer with weights counts (counting rules, sections 3, 6, 7 and 8), one synapse at a time.

``kind``: 'spike' | 'graded' | 'real' | 'masked' (a REAL that is zero where no spike was). Values
are ``n``: integers for spike and graded, any number for the others. Every event is
int64 (steps, samples).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.oracles.synapses import Conv, Index, Linear, exists, out_shape, synapses

Counts = dict[str, np.ndarray]


def fan_out(shape: Index, layer: Conv | Linear) -> np.ndarray:
    """Existing targets of every source element of one slice."""
    counted = np.zeros(shape, np.int64)
    for synapse in synapses(shape, layer):
        if exists(synapse):
            counted[synapse[0]] += 1
    return counted


def dense_macs(shape: Index, layer: Conv | Linear) -> int:
    """MACs of one slice, padding and outside targets included, bias excluded."""
    return len(synapses(shape, layer))


def existing_macs(shape: Index, layer: Conv | Linear) -> int:
    """MACs of one slice at existing positions."""
    return sum(exists(s) for s in synapses(shape, layer))


def apply(
    values: np.ndarray, weight: np.ndarray, layer: Conv | Linear, bias: Any = None
) -> np.ndarray:
    """The layer's output for one slice, in float64."""
    out = np.zeros(out_shape(values.shape, layer))
    for synapse in synapses(values.shape, layer):
        if exists(synapse):
            source, target, index = synapse
            out[target] += float(values[source]) * float(weight[index])
    if bias is not None:
        for channel in range(len(out)):
            out[channel] += float(bias[channel])
    return out


def conv_layer(weight: np.ndarray, **geometry: Any) -> Conv:
    """The geometry that belongs to a weight; keywords as torch names them (lists become tuples)."""
    fixed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in geometry.items()}
    return Conv(tuple(weight.shape), **fixed)


def conv_counts(
    n: np.ndarray,  # (steps, samples, C, *size)
    kind: str,
    weight: np.ndarray,
    stride: Any = 1,
    padding: Any = 0,
    padding_mode: str = "zeros",
    dilation: Any = 1,
    groups: int = 1,
    transposed: bool = False,
    output_padding: Any = 0,
    bias: bool = False,
) -> Counts:
    """A convolution applied to each step on its own."""
    layer = conv_layer(
        weight,
        stride=stride,
        padding=padding,
        padding_mode=padding_mode,
        dilation=dilation,
        groups=groups,
        transposed=transposed,
        output_padding=output_padding,
    )
    return stepwise_counts(n, kind, weight, layer, bias)


def linear_counts(n: np.ndarray, kind: str, weight: np.ndarray, bias: bool = False) -> Counts:
    """A dense layer over the last axis; n: (steps, samples, *rows, in), weight: (out, in)."""
    layer = Linear((weight.shape[0], weight.shape[1]))
    rows = n.reshape(*n.shape[:2], -1, n.shape[-1])
    parts = [
        stepwise_counts(rows[:, :, r], kind, weight, layer, bias) for r in range(rows.shape[2])
    ]
    return {event: sum((p[event] for p in parts[1:]), parts[0][event]) for event in parts[0]}


def stepwise_counts(
    n: np.ndarray, kind: str, weight: np.ndarray, layer: Conv | Linear, bias: bool
) -> Counts:
    """One layer, every step and sample on its own."""
    steps, samples = n.shape[:2]
    total = _empty(kind, steps, samples)
    for t in range(steps):
        for b in range(samples):
            for source, target, index in synapses(n[t, b].shape, layer):
                if source is not None and target is not None:
                    _one_synapse(total, kind, t, b, n[t, b][source], weight[index])
            _output_words(total, kind, t, b, int(np.prod(out_shape(n[t, b].shape, layer))), bias)
    return _with_memory(total, kind, n)


def conv3d_time_counts(
    n: np.ndarray,  # (steps, samples, C, H, W)
    kind: str,
    weight: np.ndarray,  # (C_out, C_in // groups, kT, kH, kW)
    bias: bool = False,
    **geometry: Any,
) -> Counts:
    """A Conv3d whose first kernel axis is time: an event belongs to the step of its source.

    Output words and biases have no source step: the last output slice belongs to the last step,
    the one before it to the step before, and so on; slices before the first step belong to the
    last step.
    """
    layer = conv_layer(weight, **geometry)
    steps, samples = n.shape[:2]
    total = _empty(kind, steps, samples)
    clips = np.moveaxis(n, 0, 2)  # (samples, C, steps, H, W)
    channels, out_steps, *size = out_shape(clips.shape[1:], layer)
    for b in range(samples):
        for source, target, index in synapses(clips[b].shape, layer):
            if source is not None and target is not None:
                _one_synapse(total, kind, source[1], b, clips[b][source], weight[index])
        for t_out in range(out_steps):
            t = steps - out_steps + t_out
            t = t if t >= 0 else steps - 1
            _output_words(total, kind, t, b, channels * int(np.prod(size)), bias)
    return _with_memory(total, kind, n)


EVENTS = {
    "spike": ("synapse", "synapse_zero"),
    "graded": ("graded_synapse", "graded_unit", "synapse_zero"),
    "real": ("mac",),
    "masked": ("masked_mac",),
}


def _empty(kind: str, steps: int, samples: int) -> Counts:
    events = (*EVENTS[kind], "add", "weight_read", "activation_write")
    return {e: np.zeros((steps, samples), np.int64) for e in events}


def _one_synapse(total: Counts, kind: str, t: int, b: int, value: Any, weight: Any) -> None:
    """One source element meets one weight."""
    if kind == "real":  # zero values included
        total["mac"][t, b] += 1
        total["weight_read"][t, b] += 1
        return
    if value == 0:
        return
    total["weight_read"][t, b] += 1
    total[EVENTS[kind][0]][t, b] += 1
    if kind == "graded":
        total["graded_unit"][t, b] += abs(int(value))
    if kind != "masked" and weight == 0:
        total["synapse_zero"][t, b] += 1


def _output_words(total: Counts, kind: str, t: int, b: int, elements: int, bias: bool) -> None:
    """A bias is one addition and one weight read per output element; only REAL input writes
    activations."""
    if bias:
        total["add"][t, b] += elements
        total["weight_read"][t, b] += elements
    if kind in ("real", "masked"):
        total["activation_write"][t, b] += elements


def _with_memory(total: Counts, kind: str, n: np.ndarray) -> Counts:
    """State and activation words (section 7)."""
    operations = total[EVENTS[kind][0]]
    if kind in ("real", "masked"):
        zero = np.zeros_like(operations)
        return {**total, "state_read": zero, "state_write": zero, "activation_read": operations}
    active = np.zeros_like(operations)
    for t in range(n.shape[0]):
        for b in range(n.shape[1]):
            active[t, b] = sum(1 for value in n[t, b].ravel() if value != 0)
    return {**total, "state_read": operations, "state_write": operations, "activation_read": active}
