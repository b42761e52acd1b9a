"""Random networks of hypothesis: weights, neurons and clips on a power-of-two grid, so that float32
sums are exact in any order and every engine must give the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from hypothesis import strategies as st

from neurosim.ir.graph import Graph, Node
from neurosim.ir.neuron import Neuron
from tests.ops.graphs import built, input_node, node
from tests.oracles import Conv, Linear, out_shape

Shape = tuple[int, ...]
SPAN = (-2, 3)  # of a graded clip
GRID = 16  # weights, biases and real clips are multiples of 1/16


@dataclass(frozen=True)
class Layer:
    """Weights, then neurons: 'w0' feeds 'n0'."""

    geometry: Conv | Linear
    shape: Shape  # of its input
    bias: bool
    neuron: Neuron

    @property
    def out(self) -> Shape:
        """Shape of its output."""
        return out_shape(self.shape, self.geometry)


@dataclass(frozen=True)
class Case:
    """A network with its clip. ``seed`` draws weights and clip, ``rate`` is the clip's density."""

    frame: Shape
    kind: str
    steps: int
    samples: int
    layers: tuple[Layer, ...]
    seed: int
    rate: float
    zeros: float

    def weights(self) -> dict[str, np.ndarray]:
        """``w0``, ``b0``, …: multiples of 1/16, a share of them exactly 0."""
        rng, found = np.random.default_rng(self.seed), {}
        for i, layer in enumerate(self.layers):
            shape = layer.geometry.weight
            w = rng.integers(-GRID, 2 * GRID, shape) * (rng.random(shape) >= self.zeros)
            found[f"w{i}"] = (w / GRID).astype(np.float32)
            if layer.bias:
                b = rng.integers(-GRID, GRID, layer.out[0]) / GRID
                found[f"b{i}"] = b.astype(np.float32)
        return found

    def clip(self) -> np.ndarray:
        """(steps, samples, *frame) float32."""
        rng = np.random.default_rng(self.seed + 1)
        shape = (self.steps, self.samples, *self.frame)
        on = rng.random(shape) < self.rate
        if self.kind == "spike":
            return on.astype(np.float32)
        n = rng.integers(SPAN[0], SPAN[1] + 1, shape) * on
        return (n / (1 if self.kind == "graded" else GRID)).astype(np.float32)

    def graph(self) -> Graph:
        """Built and verified; not lowered, so that every layer is what the oracle sees."""
        lo, hi = SPAN if self.kind == "graded" else (0, 1)
        nodes: list[Node] = [input_node(self.frame, self.steps, self.kind, lo, hi)]
        for i, layer in enumerate(self.layers):
            nodes += _nodes(i, layer, nodes[-1].name)
        return built(nodes, self.weights(), self.steps, self.samples)


def _nodes(i: int, layer: Layer, last: str) -> list[Node]:
    params = {"weight": f"w{i}"} | ({"bias": f"b{i}"} if layer.bias else {})
    spike = node(f"n{i}", "neuron", f"l{i}", equation=layer.neuron.to_dict())
    if isinstance(layer.geometry, Linear):
        flat = node(f"f{i}", "reshape", last, shape=(prod(layer.shape),))
        return [flat, node(f"l{i}", "linear", f"f{i}", params=params), spike]
    c = layer.geometry
    pairs = {"stride": c.stride, "padding": c.padding, "dilation": c.dilation}
    attrs = {name: (value, value) for name, value in pairs.items()}
    weights = node(f"l{i}", "convolution", last, params=params, groups=c.groups, transposed=False,
                   output_padding=(0, 0), **attrs)  # fmt: skip
    return [weights, spike]


NEURONS = st.builds(
    Neuron,
    v_decay=st.sampled_from([1.0, 0.5, 0.25, 0.0]),
    v_threshold=st.sampled_from([0.5, 1.0, 2.0]),
    fires=st.sampled_from([">", ">="]),
    reset=st.sampled_from(["to_value", "subtract"]),
)


@st.composite
def layers(draw: st.DrawFn, shape: Shape, biased: bool) -> Layer:
    """A convolution where the input has space, or a dense layer."""
    bias = biased and draw(st.booleans())
    if len(shape) == 1 or draw(st.integers(0, 3)) == 0:
        flat = (prod(shape),)
        geometry = Linear((draw(st.sampled_from([1, 3, 5])), flat[0]))
        return Layer(geometry, flat, bias, draw(NEURONS))
    return Layer(draw(convolutions(shape)), shape, bias, draw(NEURONS))


@st.composite
def convolutions(draw: st.DrawFn, shape: Shape) -> Conv:
    """Kernel, stride, padding, dilation and groups such that something comes out."""
    channels, side = shape[0], min(shape[1:])
    kernel = draw(st.sampled_from([k for k in (1, 2, 3) if k <= side]))
    padding = draw(st.integers(0, kernel - 1))
    fits = [d for d in (1, 2) if d * (kernel - 1) < side + 2 * padding]
    depthwise = channels > 1 and draw(st.booleans())
    out = channels * draw(st.sampled_from([1, 2])) if depthwise else draw(st.integers(1, 3))
    groups = channels if depthwise else 1
    return Conv(
        (out, channels // groups, kernel, kernel),
        stride=draw(st.sampled_from([1, 2])),
        padding=padding,
        dilation=draw(st.sampled_from(fits)),
        groups=groups,
    )


@st.composite
def cases(draw: st.DrawFn, kinds: tuple[str, ...] = ("spike", "graded", "real"),
          biased: bool = True) -> Case:  # fmt: skip
    """One to three layers on a frame of 1 to 2 channels and 2 to 4 pixels a side."""
    side = st.integers(2, 4)
    frame: Shape = (draw(st.integers(1, 2)), draw(side), draw(side))
    shape, found = frame, []
    for _ in range(draw(st.integers(1, 3))):
        found.append(draw(layers(shape, biased)))
        shape = found[-1].out
    return Case(
        frame,
        draw(st.sampled_from(kinds)),
        draw(st.integers(1, 5)),
        draw(st.integers(1, 2)),
        tuple(found),
        draw(st.integers(0, 2**32 - 2)),
        draw(st.sampled_from([0.0, 0.05, 0.3, 0.8, 1.0])),
        draw(st.sampled_from([0.0, 0.3, 1.0])),
    )
