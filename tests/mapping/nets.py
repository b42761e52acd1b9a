"""Small graphs with known structure, and a brute-force chip: spike by spike, synapse by synapse."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

import neurosim as ns
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import IF
from neurosim.ir.run import Run
from tests.ops.graphs import built

STEPS = 4


def clip_node(shape: Sequence[int], kind: str = "spike") -> Node:
    """The clip, events unless told."""
    hi = int(kind == "spike")
    attrs = {"shape": tuple(shape), "steps": STEPS, "kind": kind, "lo": 0, "hi": hi}
    return Node("clip", "input", (), attrs)


def lif(name: str, source: str, threshold: float = 1.0) -> Node:
    """Integrate-and-fire neurons."""
    attrs = {"equation": IF(v_threshold=threshold).to_dict(), "emit": "spike"}
    return Node(name, "neuron", (Edge(source),), attrs)


def conv(
    name: str, source: str, key: str, stride: int = 1, padding: int = 0, groups: int = 1
) -> Node:
    """A plain 2-D convolution."""
    attrs = {"stride": [stride] * 2, "padding": [padding] * 2, "dilation": [1, 1], "groups": groups,
             "transposed": False, "output_padding": [0, 0]}  # fmt: skip
    return Node(name, "convolution", (Edge(source),), attrs, {"weight": key})


def linear(name: str, source: str, key: str) -> Node:
    """Over the last axis."""
    return Node(name, "linear", (Edge(source),), {}, {"weight": key})


def moved(name: str, op: str, source: str, **attrs: Any) -> Node:
    """A movement."""
    return Node(name, op, (Edge(source),), attrs)


def weights(seed: int, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Positive, so that something fires."""
    rng = np.random.default_rng(seed)
    return {k: rng.uniform(0.05, 0.6, s).astype(np.float32) for k, s in shapes.items()}


def conv_net(stride: int = 1, padding: int = 1, groups: int = 1) -> Graph:
    """2×6×6 events → conv → IF → conv (groups) → IF → flat → 5 → IF."""
    one = (6 + 2 * padding - 3) // stride + 1
    two = one + 2 * padding - 2
    nodes = [
        clip_node((2, 6, 6)), conv("c1", "clip", "w1", stride, padding), lif("n1", "c1"),
        conv("c2", "n1", "w2", 1, padding, groups), lif("n2", "c2", 2.0),
        moved("flat", "reshape", "n2", shape=[4 * two * two]), linear("fc", "flat", "w3"),
        lif("n3", "fc", 3.0),
    ]  # fmt: skip
    params = weights(0, w1=(4, 2, 3, 3), w2=(4, 4 // groups, 3, 3), w3=(5, 4 * two * two))
    return built(nodes, params, STEPS)


def split_net() -> Graph:
    """Rows of features: one layer whose outputs go to three populations, as in attention, and a
    population that two layers read.
    """
    nodes = [
        clip_node((3, 4)), linear("qkv", "clip", "w1"),
        *(moved(f"s{i}", "slice", "qkv", axis=1, start=4 * i, stop=4 * i + 4, step=1)
          for i in range(3)),
        lif("q", "s0"), lif("k", "s1"), lif("v", "s2"),
        linear("a", "q", "w2"), lif("na", "a"), linear("b", "q", "w3"), lif("nb", "b"),
        linear("c", "k", "w4"),
    ]  # fmt: skip
    params = weights(1, w1=(12, 4), w2=(6, 4), w3=(2, 4), w4=(2, 4))
    return built(nodes, params, STEPS, outputs=("na", "nb", "v", "c"))


def run_of(graph: Graph, samples: int = 2, rate: float = 0.4, seed: int = 0) -> Run:
    """Simulated on random events, spikes recorded."""
    shape = graph["clip"].known.out_shape
    rng = np.random.default_rng(seed)
    clip = (rng.random((STEPS, samples, *shape)) < rate).astype(np.float32)
    return ns.simulate(graph, torch.from_numpy(clip), record="spikes", updates=True)


def synapses(graph: Graph, layer: str) -> np.ndarray:
    """(outputs, inputs) 0/1 matrix of a layer's existing synapses: the layer applied to each unit
    vector with all weights 1.
    """
    node = graph[layer]
    shape = node.known.in_shapes[0]
    size = math.prod(shape)
    eye = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
    weight = torch.ones(graph.params[node.params["weight"]].shape, dtype=torch.float64)
    if node.op == "linear":
        return torch.nn.functional.linear(eye, weight).reshape(size, -1).T.numpy()
    a = node.attrs
    found = torch.nn.functional.conv2d(
        eye, weight, None, a["stride"], a["padding"], a["dilation"], a["groups"]
    )
    return found.reshape(size, -1).T.numpy()


Pair = tuple[int, int]  # core of the spike, core of the synapse


def deliveries(
    matrix: np.ndarray, spikes: np.ndarray, source: np.ndarray, target: np.ndarray
) -> Iterator[tuple[int, Counter[Pair]]]:
    """For each step: (step, synaptic events by pair of cores). ``matrix``: (targets, sources)."""
    for t, fired in enumerate(spikes):
        found: Counter[Pair] = Counter()
        for neuron in np.flatnonzero(fired):
            for compartment in np.flatnonzero(matrix[:, neuron]):
                found[int(source[neuron]), int(target[compartment])] += int(
                    matrix[compartment, neuron]
                )
        yield t, found


def messages(
    matrices: Mapping[str, tuple[np.ndarray, np.ndarray]], spikes: np.ndarray, source: np.ndarray
) -> list[Counter[Pair]]:
    """By step: one message for each spike and core with a target. ``matrices``: layer → (targets ×
    sources, core of each target).
    """
    found: list[Counter[Pair]] = []
    for fired in spikes:
        of_step: Counter[Pair] = Counter()
        for neuron in np.flatnonzero(fired):
            cores = {int(c) for m, target in matrices.values() for c in target[m[:, neuron] > 0]}
            of_step.update((int(source[neuron]), c) for c in cores)
        found.append(of_step)
    return found
