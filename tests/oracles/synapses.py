"""Every synapse of a layer, listed one by one: (source, target, weight index).

A source is None where the kernel looks at a padding zero; a target is None where a transposed
convolution writes outside its output. Every other entry is an existing
synapse (counting rules, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

Index = tuple[int, ...]
Synapse = tuple[Index | None, Index | None, Index]


@dataclass(frozen=True)
class Conv:
    """A convolution. ``weight``: its shape, (C_out, C_in // groups, *kernel), or, transposed,
    (C_in, C_out // groups, *kernel). Each of the others is one number or one per axis; ``padding``
    may also be 'same' or 'valid'."""

    weight: tuple[int, ...]
    stride: int | Index = 1
    padding: int | Index | str = 0
    padding_mode: str = "zeros"
    dilation: int | Index = 1
    groups: int = 1
    transposed: bool = False
    output_padding: int | Index = 0


@dataclass(frozen=True)
class Linear:
    """A dense layer over the last axis. ``weight``: its shape, (out, in)."""

    weight: tuple[int, int]


def per_axis(value: int | Index, axes: int) -> Index:
    """One number per axis."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def kernel(conv: Conv) -> Index:
    """Kernel size."""
    return conv.weight[2:]


def pads(conv: Conv) -> tuple[tuple[int, int], ...]:
    """(before, after) of every axis; 'same' puts the odd one after."""
    axes = len(kernel(conv))
    if conv.padding == "valid":
        return ((0, 0),) * axes
    if conv.padding == "same":
        total = [
            d * (k - 1) for d, k in zip(per_axis(conv.dilation, axes), kernel(conv), strict=True)
        ]
        return tuple((t // 2, t - t // 2) for t in total)
    assert not isinstance(conv.padding, str)
    return tuple((p, p) for p in per_axis(conv.padding, axes))


def out_size(size: Index, conv: Conv) -> Index:
    """Spatial size of the output, as torch's documentation gives it."""
    axes = len(size)
    stride, dilation = per_axis(conv.stride, axes), per_axis(conv.dilation, axes)
    extra = per_axis(conv.output_padding, axes)
    out = []
    for a in range(axes):
        before, after = pads(conv)[a]
        reach = dilation[a] * (kernel(conv)[a] - 1) + 1
        if conv.transposed:
            out.append((size[a] - 1) * stride[a] - before - after + reach + extra[a])
        else:
            out.append((size[a] + before + after - reach) // stride[a] + 1)
    return tuple(out)


def source_at(position: int, length: int, mode: str) -> int | None:
    """The source element found at a padded position: itself, the one it copies, or None for a
    zero."""
    if 0 <= position < length:
        return position
    if mode == "circular":
        return position % length
    if mode == "replicate":
        return 0 if position < 0 else length - 1
    if mode == "reflect":
        return -position if position < 0 else 2 * (length - 1) - position
    assert mode == "zeros"
    return None


@cache
def conv_synapses(channels_in: int, size: Index, conv: Conv) -> tuple[Synapse, ...]:
    """All synapses of a convolution of a (channels_in, *size) input, padding and outside targets
    included."""
    listed = _scatter(channels_in, size, conv) if conv.transposed else _gather(size, conv)
    return tuple(listed)


def _gather(size: Index, conv: Conv) -> list[Synapse]:
    """Every output position looks at every kernel offset of its group's channels."""
    axes = len(size)
    stride, dilation = per_axis(conv.stride, axes), per_axis(conv.dilation, axes)
    channels_out, per_group = conv.weight[:2]
    found: list[Synapse] = []
    for c_out, *position in product(range(channels_out), *map(range, out_size(size, conv))):
        group = c_out // (channels_out // conv.groups)
        for offset in product(*map(range, kernel(conv))):
            looked_at: list[int | None] = []
            for a in range(axes):
                padded = position[a] * stride[a] + offset[a] * dilation[a] - pads(conv)[a][0]
                looked_at.append(source_at(padded, size[a], conv.padding_mode))
            where = [w for w in looked_at if w is not None]
            for c in range(per_group):
                source = (group * per_group + c, *where) if len(where) == axes else None
                found.append((source, (c_out, *position), (c_out, c, *offset)))
    return found


def _scatter(channels_in: int, size: Index, conv: Conv) -> list[Synapse]:
    """Every source writes through every kernel offset to its group's output channels."""
    axes = len(size)
    stride, dilation = per_axis(conv.stride, axes), per_axis(conv.dilation, axes)
    per_group, limit = conv.weight[1], out_size(size, conv)
    found: list[Synapse] = []
    for c_in, *position in product(range(channels_in), *map(range, size)):
        group = c_in // (channels_in // conv.groups)
        for offset in product(*map(range, kernel(conv))):
            where = []
            for a in range(axes):
                where.append(position[a] * stride[a] + offset[a] * dilation[a] - pads(conv)[a][0])
            inside = all(0 <= w < n for w, n in zip(where, limit, strict=True))
            for c in range(per_group):
                target = (group * per_group + c, *where) if inside else None
                found.append(((c_in, *position), target, (c_in, c, *offset)))
    return found


@cache
def linear_synapses(linear: Linear) -> tuple[Synapse, ...]:
    """All synapses of a dense layer."""
    outs, ins = linear.weight
    return tuple(((i,), (o,), (o, i)) for o in range(outs) for i in range(ins))


def synapses(shape: Index, layer: Conv | Linear) -> tuple[Synapse, ...]:
    """All synapses of one slice of the given shape ((C, *size), or (in,))."""
    if isinstance(layer, Linear):
        return linear_synapses(layer)
    return conv_synapses(shape[0], tuple(shape[1:]), layer)


def out_shape(shape: Index, layer: Conv | Linear) -> Index:
    """Shape of one output slice."""
    if isinstance(layer, Linear):
        return (layer.weight[0],)
    channels = layer.weight[1] * layer.groups if layer.transposed else layer.weight[0]
    return (channels, *out_size(tuple(shape[1:]), layer))


def exists(synapse: Synapse) -> bool:
    """Neither a padding zero nor a target outside the output."""
    return synapse[0] is not None and synapse[1] is not None
