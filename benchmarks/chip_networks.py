"""Networks that we and SANA-FE both put on a chip: the same numbers, neurons, synapses and cores.

Everything is an integer, so both simulators fire the same spikes. Input neurons integrate a
constant bias; every layer of synapses takes one step (an edge of delay 1 in our graph, the chip's
own step in theirs).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import ops
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import IF
from neurosim.ir.types import ValueType

UNITS = {"dense": "", "sparse": "loihi_sparse_synapse", "conv": "loihi_conv_synapse"}


@dataclass(frozen=True)
class Group:
    """Integrate-and-fire neurons that fire above ``threshold`` and return to 0."""

    name: str
    shape: tuple[int, ...]
    threshold: float
    cores: tuple[int, ...]
    bias: np.ndarray | None = None

    @property
    def size(self) -> int:
        """Neurons."""
        return math.prod(self.shape)

    def core_of(self) -> np.ndarray:
        """Core of each neuron: equal runs, the last takes what is left."""
        each = max(1, self.size // len(self.cores))
        return np.array(self.cores)[np.minimum(np.arange(self.size) // each, len(self.cores) - 1)]


@dataclass(frozen=True)
class Link:
    """``weight``: (target, source), or (out, in, k, k) of a convolution; 0 is no synapse of a
    "sparse" link. ``encoding``: as the chip stores it.
    """

    source: str
    target: str
    weight: np.ndarray
    encoding: str = "dense"
    stride: int = 1
    padding: int = 0


@dataclass(frozen=True)
class ChipNetwork:
    """Groups (the first is the input), links, and steps to run."""

    name: str
    groups: tuple[Group, ...]
    links: tuple[Link, ...]
    steps: int = 100
    _by: Mapping[str, Group] = field(default_factory=dict)

    def group(self, name: str) -> Group:
        """By name."""
        return next(g for g in self.groups if g.name == name)

    @property
    def encodings(self) -> dict[str, str]:
        """Of our nodes with weights."""
        return {f"w{i}": link.encoding for i, link in enumerate(self.links)}

    @property
    def manual(self) -> dict[str, np.ndarray]:
        """Core of every neuron."""
        return {g.name: g.core_of() for g in self.groups}


def clip(network: ChipNetwork) -> np.ndarray:
    """float32 (steps, 1, *shape): the biases, every step."""
    first = network.groups[0]
    assert first.bias is not None
    one = np.asarray(first.bias, np.float32).reshape(1, 1, *first.shape)
    return np.repeat(one, network.steps, axis=0)


def graph_of(network: ChipNetwork) -> Graph:
    """Our graph of it."""
    nodes, params = [], {}
    first = network.groups[0]
    attrs = {"shape": first.shape, "steps": network.steps, "kind": "real", "lo": 0, "hi": 0}
    nodes.append(Node("clip", "input", (), attrs))
    waiting = {g.name: [i for i, k in enumerate(network.links) if k.target == g.name]
               for g in network.groups}  # fmt: skip
    for group in network.groups:
        nodes += _neurons(group, waiting[group.name], first.name)
        for i, link in enumerate(network.links):
            if link.source == group.name:
                params[f"w{i}"] = np.ascontiguousarray(link.weight, np.float32)
                nodes += _weights(i, link, group, network)
    return ops.build(Graph(tuple(nodes), params, (network.groups[-1].name,), network.steps, 1))


def _neurons(group: Group, arriving: list[int], first: str) -> list[Node]:
    equation = {"equation": IF(v_threshold=group.threshold).to_dict(), "emit": "spike"}
    current: tuple[Edge, ...] = tuple(Edge(_last(i), 1) for i in arriving)
    if group.name == first:
        current = (Edge("clip"), *current)
    made: list[Node] = []
    if len(current) > 1:
        name = f"{group.name}.sum"
        made.append(Node(name, "add", current[:2]))
        for k, edge in enumerate(current[2:]):
            made.append(Node(f"{name}{k}", "add", (Edge(made[-1].name), edge)))
        current = (Edge(made[-1].name),)
    return [*made, Node(group.name, "neuron", current, equation)]


def _last(i: int) -> str:
    return f"w{i}.out"


def _weights(i: int, link: Link, source: Group, network: ChipNetwork) -> list[Node]:
    target = network.group(link.target)
    name, roles = f"w{i}", {"weight": f"w{i}"}
    final = ValueType(target.shape, network.steps)
    if link.weight.ndim == 4:
        pair = [link.stride] * 2
        attrs = {"stride": pair, "padding": [link.padding] * 2, "dilation": [1, 1], "groups": 1,
                 "transposed": False, "output_padding": [0, 0]}  # fmt: skip
        made = [Node(name, "convolution", (Edge(source.name),), attrs, roles)]
    else:
        made = [
            Node(f"{name}.flat", "reshape", (Edge(source.name),), {"shape": [source.size]}),
            Node(name, "linear", (Edge(f"{name}.flat"),), {}, roles),
        ]
    shape = {"shape": list(target.shape)}
    return [*made, Node(_last(i), "reshape", (Edge(name),), shape, type=final)]


def write_spec(network: ChipNetwork, path: Path) -> Path:
    """What ``peer_sanafe_chip.py`` reads."""
    arrays: dict[str, np.ndarray] = {}
    groups: list[dict[str, Any]] = []
    for g in network.groups:
        arrays[f"{g.name}.cores"] = g.core_of()
        if g.bias is not None:
            arrays[f"{g.name}.bias"] = np.asarray(g.bias, np.float64).ravel()
        groups.append({"name": g.name, "size": g.size, "threshold": float(g.threshold), "leak": 1.0,
                       "bias": f"{g.name}.bias" if g.bias is not None else "",
                       "cores": f"{g.name}.cores"})  # fmt: skip
    links = [_link(network, i, link, arrays) for i, link in enumerate(network.links)]
    spec = json.dumps({"groups": groups, "links": links}).encode()
    np.savez(path, spec=np.frombuffer(spec, np.uint8), **arrays)
    return path


def _link(
    network: ChipNetwork, i: int, link: Link, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    source = network.group(link.source)
    found = {"source": link.source, "target": link.target, "weight": f"w{i}",
             "unit": UNITS[link.encoding]}  # fmt: skip
    if link.weight.ndim == 4 and not link.padding:
        arrays[f"w{i}"] = np.asarray(link.weight, np.float64).transpose(2, 3, 1, 0)
        return found | {"kind": "conv", "shape": list(source.shape), "stride": link.stride}
    if link.weight.ndim == 4:
        pairs, weights = _pairs(link, source.shape)
    elif link.encoding == "sparse":
        target, from_ = np.nonzero(link.weight)
        pairs, weights = np.stack([from_, target], 1), link.weight[target, from_]
    else:
        arrays[f"w{i}"] = np.asarray(link.weight, np.float64).T
        return found | {"kind": "dense"}
    arrays[f"w{i}"], arrays[f"w{i}.pairs"] = np.asarray(weights, np.float64), pairs
    return found | {"kind": "pairs", "pairs": f"w{i}.pairs"}


def _pairs(link: Link, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(source, target) of every synapse of a padded convolution, by brute force."""
    out, inputs, kh, kw = link.weight.shape
    _, height, width = shape
    h = (height + 2 * link.padding - kh) // link.stride + 1
    w = (width + 2 * link.padding - kw) // link.stride + 1
    pairs, weights = [], []
    for o, y, x, c, i, j in np.ndindex(out, h, w, inputs, kh, kw):
        a, b = y * link.stride - link.padding + i, x * link.stride - link.padding + j
        if 0 <= a < height and 0 <= b < width:
            pairs.append(((c * height + a) * width + b, (o * h + y) * w + x))
            weights.append(link.weight[o, c, i, j])
    return np.array(pairs), np.array(weights)


def _integers(rng: np.random.Generator, *shape: int, low: int = -8, high: int = 16) -> np.ndarray:
    found = rng.integers(low, high, shape)
    return np.where(found == 0, 1, found).astype(np.float32)


def _bias(rng: np.random.Generator, *shape: int, silent: float = 0.3) -> np.ndarray:
    return rng.integers(1, 128, shape) * (rng.random(shape) > silent)


def dense(size: int, seed: int, steps: int = 100) -> ChipNetwork:
    """``size`` inputs → size → size / 2, fully connected, over as many cores as 64 neurons need."""
    rng = np.random.default_rng(seed)
    each, half = max(1, size // 64), size // 2
    a = Group("in", (size,), 255, tuple(range(each)), _bias(rng, size))
    b = Group("mid", (size,), 40 * size / 64, tuple(range(each, 3 * each)))
    c = Group("out", (half,), 20 * size / 64, tuple(range(20, 20 + each)))
    links = (Link("in", "mid", _integers(rng, size, size)),
             Link("mid", "out", _integers(rng, half, size)))  # fmt: skip
    return ChipNetwork(f"dense {size}", (a, b, c), links, steps)


def sparse(size: int, seed: int, density: float = 0.1, steps: int = 100) -> ChipNetwork:
    """``size`` inputs → size, with a recurrent layer, ``density`` of the pairs connected."""
    rng = np.random.default_rng(seed)
    each = max(1, size // 64)
    a = Group("in", (size,), 255, tuple(range(0, 4 * each, 4)), _bias(rng, size))
    b = Group("mid", (size,), 8 * size / 64, tuple(range(1, 1 + 4 * each, 4)))
    links = tuple(
        Link(s, "mid", _integers(rng, size, size) * (rng.random((size, size)) < density), "sparse")
        for s in ("in", "mid")
    )
    return ChipNetwork(f"sparse {size}", (a, b), links, steps)


def conv(side: int, channels: int, seed: int, padding: int = 0, steps: int = 60) -> ChipNetwork:
    """2 × side × side → channels (stride 2) → 2·channels → 10, stored as convolutions."""
    rng = np.random.default_rng(seed)
    one = (side + 2 * padding - 3) // 2 + 1
    two = one + 2 * padding - 2
    a = Group("in", (2, side, side), 255, (0, 1), _bias(rng, 2, side, side))
    b = Group("c1", (channels, one, one), 30, (2, 3, 4, 5))
    c = Group("c2", (2 * channels, two, two), 10 * channels, (8, 9, 10, 11, 12))
    d = Group("out", (10,), 5 * two * two, (16,))
    links = (Link("in", "c1", _integers(rng, channels, 2, 3, 3), "conv", 2, padding),
             Link("c1", "c2", _integers(rng, 2 * channels, channels, 3, 3), "conv", 1, padding),
             Link("c2", "out", _integers(rng, 10, 2 * channels * two * two)))  # fmt: skip
    name = f"convolution {channels}x{side}x{side}" + (" padded" if padding else "")
    return ChipNetwork(name, (a, b, c, d), links, steps)


def dvs_gesture(path: Path, steps: int = 1000) -> ChipNetwork:
    """The network that SANA-FE ships, from its file, mapped as its tutorial 5 does: 32×32 → 16C3s2
    → 32C3 → 64C3 → 11C3 → 11, over 1, 4, 16, 16, 4 and 1 cores in order, all as dense synapses.
    """
    held = np.load(path)
    shapes = [(1, 32, 32), (16, 15, 15), (32, 13, 13), (64, 11, 11), (11, 9, 9), (11,)]
    counts, first = (1, 4, 16, 16, 4, 1), 0
    groups = []
    for i, (shape, cores) in enumerate(zip(shapes, counts, strict=True)):
        bias = held["inputs"] if i == 0 else None
        mapped = tuple(range(first, first + cores))
        groups.append(Group(f"layer{i}", shape, float(held["thresholds"][i]), mapped, bias))
        first += cores
    links = [
        Link(f"layer{i}", f"layer{i + 1}", held[f"conv{i + 1}"].transpose(3, 2, 0, 1), "dense",
             2 if i == 0 else 1)
        for i in range(4)
    ]  # fmt: skip
    links.append(Link("layer4", "layer5", held["dense1"].T))
    return ChipNetwork("DVS gesture", tuple(groups), tuple(links), steps)


NETWORKS: dict[str, Callable[[], ChipNetwork]] = {
    "dense 64": lambda: dense(64, 0), "dense 128": lambda: dense(128, 1),
    "dense 256": lambda: dense(256, 2),
    "sparse 64": lambda: sparse(64, 3), "sparse 128": lambda: sparse(128, 4),
    "sparse 256": lambda: sparse(256, 5),
    "convolution 4": lambda: conv(12, 4, 6), "convolution 8": lambda: conv(16, 8, 7),
    "convolution 16": lambda: conv(20, 16, 8), "convolution 4 padded": lambda: conv(12, 4, 9, 1),
}  # fmt: skip
