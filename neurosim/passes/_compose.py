"""Two convolutions as one: out[q] = Σ_j W₂[j] · Σ_i W₁[i] · x[q·s₁·s₂ + j·d₂·s₁ + i·d₁ − (p₁ +
s₁·p₂)].

The kernel of the pair sums over the middle channels in float64; its stride is s₁·s₂, its padding p₁
+ s₁·p₂.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurosim.ir.graph import Graph, Node


@dataclass(frozen=True)
class Map:
    """A plain convolution: every field but ``groups`` has one entry a spatial axis."""

    weight: np.ndarray  # float64 (C', C // groups, *k)
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    @property
    def kernel(self) -> tuple[int, ...]:
        """Taps along each spatial axis."""
        return self.weight.shape[2:]

    def attrs(self) -> dict[str, object]:
        """Attributes of a ``convolution`` node."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
            "transposed": False,
            "output_padding": (0,) * len(self.stride),
        }


def of_convolution(graph: Graph, node: Node) -> Map:
    """The map of a ``convolution`` node that is not transposed."""
    a = node.attrs
    weight = graph.params[node.params["weight"]].astype(np.float64)
    return Map(weight, tuple(a["stride"]), tuple(a["padding"]), tuple(a["dilation"]), a["groups"])


def of_average_pool(node: Node, channels: int) -> Map:
    """An average pool with a constant divisor, as a depthwise convolution."""
    a = node.attrs
    kernel = tuple(a["kernel"])
    weight = np.full((channels, 1, *kernel), 1.0 / (a.get("divisor") or math.prod(kernel)))
    return Map(weight, tuple(a["stride"]), tuple(a["padding"]), (1,) * len(kernel), channels)


def composable(first: Map, second: Map, size: tuple[int, ...], middle: tuple[int, ...]) -> bool:
    """Whether the pair is one convolution of the spatial ``size`` (``middle``: between the two).

    Either the second pads nothing, or the first would make zeros of nothing but padding where the
    second pads: true of every pointwise map, and of windows side by side that cover the input.
    """
    return all(
        _axis_composable(first, second, i, size[i], middle[i]) for i in range(len(first.stride))
    )


def _axis_composable(first: Map, second: Map, i: int, size: int, middle: int) -> bool:
    if not second.padding[i]:
        return True
    extent = first.dilation[i] * (first.kernel[i] - 1) + 1
    before = extent <= first.stride[i] + first.padding[i]
    return before and middle * first.stride[i] - first.padding[i] >= size


def compose(first: Map, second: Map) -> Map:
    """The map of ``second`` after ``first``; groups are those that both respect."""
    groups = math.gcd(first.groups, second.groups)
    inner, outer = _blocks(first, groups), _blocks(second, groups)
    flat = inner.reshape(*inner.shape[:2], -1)
    steps = [d * s for d, s in zip(second.dilation, first.stride, strict=True)]
    unit = [
        math.gcd(step if k2 > 1 else 0, d if k1 > 1 else 0) or 1
        for step, k2, d, k1 in zip(steps, second.kernel, first.dilation, first.kernel, strict=True)
    ]
    spans = [(k - 1) * d for k, d in zip(first.kernel, first.dilation, strict=True)]
    taps = [
        ((k2 - 1) * step + span) // u + 1
        for k2, step, span, u in zip(second.kernel, steps, spans, unit, strict=True)
    ]
    weight = np.zeros((*outer.shape[:2], inner.shape[2], *taps))
    for place in np.ndindex(*second.kernel):
        at = tuple(
            slice(j * step // u, (j * step + span) // u + 1, max(1, d // u))
            for j, step, span, d, u in zip(place, steps, spans, first.dilation, unit, strict=True)
        )
        part = outer[(..., *place)] @ flat  # (groups, C'/groups, C/groups · taps of the first)
        weight[(slice(None),) * 3 + at] += part.reshape(*part.shape[:2], *inner.shape[2:])
    return Map(
        weight.reshape(-1, inner.shape[2], *taps),
        tuple(a * b for a, b in zip(first.stride, second.stride, strict=True)),
        tuple(
            p + s * q for p, s, q in zip(first.padding, first.stride, second.padding, strict=True)
        ),
        tuple(unit),
        groups,
    )


def _blocks(map_: Map, groups: int) -> np.ndarray:
    """The weight as (groups, C'/groups, C/groups, *k), finer groups written out with zeros."""
    fine = map_.groups // groups
    rows, columns = len(map_.weight) // map_.groups, map_.weight.shape[1]
    split = map_.weight.reshape(groups, fine, rows, columns, *map_.kernel)
    out = np.zeros((groups, fine, rows, fine, columns, *map_.kernel))
    for i in range(fine):
        out[:, i, :, i] = split[:, i]
    return out.reshape(groups, fine * rows, fine * columns, *map_.kernel)
