"""Shapes of every value of a NIR graph, from torch's formulas.

NIR's own inference takes the kernel's height for its width, the channels of one group for all of
them, and whatever sample axis the exporter's example had. Here the Input's shape is the start (or
``input_shape``), and each primitive says what it makes of it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

import numpy as np

from neurosim.errors import NirError
from neurosim.exchange.nir.fields import array, whole
from neurosim.exchange.nir.inline import Flat
from neurosim.exchange.nir.neuron_in import NEURONS
from neurosim.exchange.nir.record import Primitive
from neurosim.ops.convolution import out_size

Shape = tuple[int, ...]
_SPATIAL = {"Conv1d": 1, "Conv2d": 2, "AvgPool2d": 2, "SumPool2d": 2}
_ELEMENTWISE = {"Scale": "scale", "Threshold": "threshold", "Delay": "delay"}


def shapes_of(flat: Flat, start: Mapping[str, Shape]) -> tuple[dict[str, Shape], list[str]]:
    """(the output shape of every node that a known value reaches, what does not fit)."""
    found: dict[str, Shape] = dict(start)
    problems: list[str] = []
    queue = deque(start)
    while queue:
        name = queue.popleft()
        for after in flat.after(name):
            if after in found:
                continue
            try:
                found[after] = out_shape(flat.nodes[after], found[name])
            except NirError as error:
                problems.append(f"at {after!r} ({flat.nodes[after].kind}): {error}")
                found[after] = ()
                continue
            queue.append(after)
    return found, problems


def out_shape(node: Primitive, shape: Shape) -> Shape:
    """The shape a primitive makes of ``shape``. Raises NirError: it does not take that."""
    if node.kind in _SPATIAL:
        return _spatial(node, shape)
    if node.kind in ("Affine", "Linear"):
        return _linear(node, shape)
    if node.kind == "Flatten":
        start, end = flattened_axes(node, shape)
        return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
    return shape


def _spatial(node: Primitive, shape: Shape) -> Shape:
    n = _SPATIAL[node.kind]
    if len(shape) != n + 1:
        raise NirError(f"takes {n + 1} axes (channels, {n} of space), gets {shape}")
    if node.kind.startswith("Conv"):
        weight = array(node, "weight")
        groups = whole(node, "groups", 1, 1)[0]
        _check_weight(weight, groups, n, shape)
        kernel, channels = tuple(weight.shape[2:]), weight.shape[0]
        dilation = whole(node, "dilation", n, 1)
    else:
        kernel, channels, dilation = whole(node, "kernel_size", n), shape[0], (1,) * n
    stride = whole(node, "stride", n, 1)
    if min(*kernel, *stride, *dilation) < 1:
        raise NirError(f"kernel {kernel}, stride {stride} and dilation {dilation} start at 1")
    before, after = padding(node, n, kernel, stride, dilation)
    sizes = [
        out_size(s + b + a, k, st, 0, d, False, 0)
        for s, b, a, k, st, d in zip(
            shape[1:], before, after, kernel, stride, dilation, strict=True
        )
    ]
    if min(sizes) < 1:
        raise NirError(f"its kernel {kernel} does not fit into {shape}")
    return (channels, *sizes)


def _check_weight(weight: np.ndarray, groups: int, n: int, shape: Shape) -> None:
    if weight.ndim != n + 2:
        raise NirError(f"weight of shape {weight.shape}, expects {n + 2} axes")
    if groups < 1 or weight.shape[0] % groups:
        raise NirError(f"{weight.shape[0]} channels out do not split into {groups} groups")
    if shape[0] != weight.shape[1] * groups:
        raise NirError(f"takes {weight.shape[1] * groups} channels, gets {shape}")


def padding(
    node: Primitive, n: int, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[Shape, Shape]:
    """Zeros (before, after) each axis; 'same' as torch lays it: the odd one after."""
    given = node.fields.get("padding", 0)
    if not isinstance(given, str):
        both = whole(node, "padding", n, 0)
        if min(both) < 0:
            raise NirError(f"padding is {both}, expects 0 or more")
        return both, both
    if given not in ("same", "valid"):
        raise NirError(f"padding is {given!r}, expects numbers, 'same' or 'valid'")
    if given == "valid":
        return (0,) * n, (0,) * n
    if any(s != 1 for s in stride):
        raise NirError(f"padding 'same' with stride {stride}, which torch does not define")
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple(s // 2 for s in spans), tuple(s - s // 2 for s in spans)


def _linear(node: Primitive, shape: Shape) -> Shape:
    weight = array(node, "weight")
    if weight.ndim < 2:
        raise NirError(f"weight of shape {weight.shape}, expects (out, in)")
    wanted = (*weight.shape[:-2], weight.shape[-1])
    if shape != wanted:
        hint = "; add a Flatten" if math.prod(shape) == math.prod(wanted) else ""
        raise NirError(f"takes {wanted}, gets {shape}{hint}")
    return (*weight.shape[:-2], weight.shape[-2])


def flattened_axes(node: Primitive, shape: Shape) -> tuple[int, int]:
    """First and last axis, counted without the sample axis."""
    start, end = (whole(node, n, 1, d)[0] for n, d in (("start_dim", 1), ("end_dim", -1)))
    rank = len(shape)
    start, end = (i + rank if i < 0 else i for i in (start, end))
    if not 0 <= start <= end < rank:
        raise NirError(f"flattens axes {start} to {end} of {shape}")
    return start, end


def taken_rank(node: Primitive) -> int | None:
    """How many axes a primitive takes, where it says so by itself."""
    if node.kind in _SPATIAL:
        return _SPATIAL[node.kind] + 1
    if node.kind in ("Affine", "Linear"):
        return max(1, array(node, "weight").ndim - 1)
    if node.kind == "Flatten":
        given = node.fields.get("input_type")
        return None if given is None else int(np.size(given)) or None
    name = _ELEMENTWISE.get(node.kind, "r" if node.kind in NEURONS else None)
    value = None if name is None else array(node, name)
    return None if value is None or value.size == 1 else value.ndim
