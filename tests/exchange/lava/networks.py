"""Small networks that Lava can hold, by name, and the clips that drive them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import LIF, Neuron
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import average, conv

PLIF = Neuron(integrate="difference", k=0.3, v_threshold=0.5)
BOX = Neuron(integrate="add_leak", k=0.45, v_leak=0.1, v_threshold=0.8, v_reset=-0.2, v_init=-0.2,
             fires=">=")  # fmt: skip
NORSE = Neuron(integrate="leak_add", k=0.3, current="jump_first", i_k=0.4)
SINABS = LIF(v_decay=0.8, current="jump_decay", i_decay=0.5)


class Case(NamedTuple):
    """A lowered graph and a clip, (steps, samples, *shape)."""

    graph: Graph
    clip: np.ndarray


def fire(name: str, source: str, neuron: Neuron = PLIF) -> Node:
    return node(name, "neuron", source, equation=neuron.to_dict())


def weight(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(0.02, 5 / np.prod(shape[1:]) ** 0.5, shape).astype(np.float32)


def biased(rng: np.random.Generator, params: dict[str, np.ndarray], name: str) -> dict[str, str]:
    params[f"{name}.b"] = rng.normal(0.1, 0.4, len(params[f"{name}.w"])).astype(np.float32)
    return {"weight": f"{name}.w", "bias": f"{name}.b"}


def spikes(steps: int, *shape: int, rate: float = 0.2, samples: int = 1) -> np.ndarray:
    rng = np.random.default_rng(len(shape))
    return (rng.random((steps, samples, *shape)) < rate).astype(np.float32)


def dense(steps: int) -> Case:
    """Three linear layers of three kinds of neurons."""
    rng = np.random.default_rng(0)
    params = {"a.w": weight(rng, 40, 30), "b.w": weight(rng, 30, 40), "c.w": weight(rng, 10, 30)}
    nodes = [input_node((30,), steps)]
    for name, source, neuron in (("a", "clip", PLIF), ("b", "a.n", BOX), ("c", "b.n", SINABS)):
        nodes.append(node(name, "linear", source, params={"weight": f"{name}.w"}))
        nodes.append(fire(f"{name}.n", name, neuron))
    return Case(built(nodes, params, steps), spikes(steps, 30))


def convolutional(steps: int) -> Case:
    """Stride, padding, dilation and groups, differing by axis, on frames that are not square."""
    rng = np.random.default_rng(1)
    params = {"a.w": weight(rng, 6, 2, 3, 5), "b.w": weight(rng, 6, 2, 3, 2)}
    nodes = [
        input_node((2, 9, 12), steps),
        conv("a", "clip", {"weight": "a.w"}, stride=(1, 2), padding=(2, 1)),
        fire("a.n", "a"),
        conv("b", "a.n", {"weight": "b.w"}, stride=(2, 1), padding=(1, 0), dilation=(1, 2),
             groups=3),
        fire("b.n", "b"),
    ]  # fmt: skip
    return Case(built(nodes, params, steps), spikes(steps, 2, 9, 12))


def recurrent(steps: int) -> Case:
    """A layer that feeds itself a step ago, with a bias, and another two steps ago."""
    rng = np.random.default_rng(2)
    params = {"a.w": weight(rng, 20, 12), "r.w": weight(rng, 20, 20), "b.w": weight(rng, 8, 20),
              "s.w": weight(rng, 8, 8)}  # fmt: skip
    held = built([input_node((20,), steps), input_node((8,), steps)][:1], {}, steps)["clip"].value
    small = replace(held, shape=(8,))
    nodes = [
        input_node((12,), steps),
        node("a", "linear", "clip", params=biased(rng, params, "a")),
        node("r", "linear", Edge("a.n", 1), params={"weight": "r.w"}),
        node("a.sum", "add", "a", "r"),
        replace(fire("a.n", "a.sum"), type=held),
        node("b", "linear", "a.n", params={"weight": "b.w"}),
        node("s", "linear", Edge("b.n", 2), params={"weight": "s.w"}),
        node("b.sum", "add", "b", "s"),
        replace(fire("b.n", "b.sum"), type=small),
    ]
    return Case(built(nodes, params, steps), spikes(steps, 12))


def with_bias(steps: int) -> Case:
    """Biases in a padded convolution, in a linear map and into a current that remembers."""
    from neurosim import passes

    rng = np.random.default_rng(3)
    params = {
        "a.w": weight(rng, 4, 3, 3, 3),
        "b.w": weight(rng, 12, 144),
        "c.w": weight(rng, 9, 12),
    }
    nodes = [
        input_node((3, 6, 6), steps),
        conv("a", "clip", biased(rng, params, "a"), padding=(1, 1)),
        fire("a.n", "a"),
        node("flat", "reshape", "a.n", shape=(144,)),
        node("b", "linear", "flat", params=biased(rng, params, "b")),
        fire("b.n", "b", BOX),
        node("c", "linear", "b.n", params=biased(rng, params, "c")),
        fire("c.n", "c", NORSE),
    ]
    return Case(passes.lower(built(nodes, params, steps)), spikes(steps, 3, 6, 6))


def residual(steps: int) -> Case:
    """Sums of paths of unequal length, pools of both kinds, tokens, a real clip."""
    rng = np.random.default_rng(4)
    params = {"a.w": weight(rng, 4, 3, 3, 3), "b.w": weight(rng, 4, 4, 3, 3),
              "c.w": weight(rng, 4, 4, 1, 1), "t.w": weight(rng, 6, 16)}  # fmt: skip
    top = {**average("most", "b.n").attrs, "mode": "max"}
    nodes = [
        input_node((3, 8, 8), steps, "real"),
        conv("a", "clip", biased(rng, params, "a"), padding=(1, 1)),
        fire("a.n", "a"),
        conv("b", "a.n", biased(rng, params, "b"), padding=(1, 1)),
        node("sum", "add", "a", "b"),
        fire("b.n", "sum"),
        node("most", "pool", "b.n", **top),
        average("mean", "b.n"),
        conv("c", "most", {"weight": "c.w"}),
        conv("d", "mean", {"weight": "c.w"}),
        node("sum2", "add", "c", "d"),
        fire("c.n", "sum2"),
        node("tokens", "reshape", "c.n", shape=(4, 16)),
        node("t", "linear", "tokens", params={"weight": "t.w"}),
        fire("t.n", "t"),
    ]
    clip = rng.normal(0, 0.6, (steps, 1, 3, 8, 8)).astype(np.float32)
    return Case(built(nodes, params, steps), clip)


def norse_cells(steps: int) -> Case:
    """norse's own cells, captured: LIF with a current, box, and their linear maps with bias."""
    import norse.torch as norse
    from torch import nn

    import neurosim as ns

    torch.manual_seed(5)
    net = norse.SequentialState(
        nn.Conv2d(2, 4, 3), norse.LIFCell(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(36, 12), norse.LIFBoxCell(norse.LIFBoxParameters(torch.tensor(400.0))),
    )  # fmt: skip
    for p in net.parameters():
        nn.init.normal_(p, std=1.0 if p.ndim > 1 else 0.2)
    clip = spikes(steps, 2, 8, 8)
    graph = ns.capture(ns.stepwise(net.eval()), torch.from_numpy(clip), kind="spike")
    return Case(ns.lower(graph), clip)


CASES: dict[str, Callable[[int], Case]] = {
    f.__name__: f for f in (dense, convolutional, recurrent, with_bias, residual, norse_cells)
}
