"""Small graphs written by hand, random networks, and what every exact pass has to keep."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import torch

from neurosim import models
from neurosim.capture.capture import capture
from neurosim.ir.graph import Graph, Node
from neurosim.ir.neuron import LIF
from neurosim.ir.run import Run
from neurosim.sim.simulate import simulate
from tests.ops.graphs import built, input_node, node

HALF = LIF(v_decay=0.5, v_threshold=1.0, fires=">=").to_dict()
KEPT = ("spike", "input_event", "synapse", "graded_synapse", "graded_unit", "coincidence")
KEPT += ("coincidence_unit", "fanout_left", "fanout_right", "neuron_active", "neuron_idle")
LOWERED = ("mac", "masked_mac", "add", "multiply", "special", "compare")
WORDS = ("weight_read", "state_read", "state_write", "activation_read", "activation_write")


def conv(name: str, operand: str, params: Mapping[str, str], n: int = 2, **attrs: object) -> Node:
    """A plain convolution over ``n`` axes; what is not given is torch's default."""
    given = {"stride": (1,) * n, "padding": (0,) * n, "dilation": (1,) * n, "groups": 1}
    given |= {"transposed": False, "output_padding": (0,) * n} | attrs
    return node(name, "convolution", operand, params=params, **given)


def average(name: str, operand: str, **attrs: object) -> Node:
    """A 2×2 average pool."""
    given = {"mode": "average", "kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    given |= {"dilation": (1, 1), "ceil_mode": False, "count_include_pad": True, "divisor": None}
    return node(name, "pool", operand, **(given | attrs))


def neuron(name: str, operand: str, **params: str) -> Node:
    """v ← v/2 + x, fires at 1."""
    return node(name, "neuron", operand, params=params, equation=HALF)


def norm_params(
    rng: np.random.Generator, name: str, channels: int, rows: int = 1
) -> dict[str, np.ndarray]:
    """Means, variances and coefficients of a batch norm."""
    shape = (rows, channels)
    return {
        f"{name}.mean": rng.normal(0, 0.2, shape).astype(np.float32),
        f"{name}.var": rng.uniform(0.2, 3, shape).astype(np.float32),
        f"{name}.weight": rng.uniform(0.5, 2, shape).astype(np.float32),
        f"{name}.bias": rng.normal(0.2, 0.3, shape).astype(np.float32),
    }


def norm(name: str, operand: str, axis: int = 0, per_step: bool = False) -> Node:
    """A batch norm over the channels of ``axis``."""
    roles = {r: f"{name}.{r}" for r in ("mean", "var", "weight", "bias")}
    return node(name, "batch_norm", operand, params=roles, eps=1e-5, axis=axis, per_step=per_step)


STEPS, SAMPLES, FRAME = 5, 2, (3, 8, 8)


class RandomNet:
    """conv [→ conv] [→ pool] [→ norm] [→ scale] → neuron, two or three times, then linear maps."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Node] = [input_node(FRAME, STEPS)]
        self.params: dict[str, np.ndarray] = {}
        self.shape: tuple[int, ...] = FRAME
        self.last = "clip"

    def coin(self, p: float = 0.5) -> bool:
        """True with probability p."""
        return bool(self.rng.random() < p)

    def put(self, n: Node) -> None:
        """Append; the next reads it."""
        self.nodes.append(n)
        self.last = n.name

    def weights(self, name: str, *shape: int) -> dict[str, str]:
        """Weight, and a bias half of the time."""
        fan_in = int(np.prod(shape[1:]))
        self.params[f"{name}.w"] = self.rng.normal(0.1, 2 / fan_in**0.5, shape).astype(np.float32)
        if self.coin():
            return {"weight": f"{name}.w"}
        self.params[f"{name}.b"] = self.rng.normal(0.1, 0.3, shape[0]).astype(np.float32)
        return {"weight": f"{name}.w", "bias": f"{name}.b"}

    def convolution(self, name: str) -> None:
        """A kernel of 1 or 3, perhaps strided, padded or grouped."""
        c, size = self.shape[0], self.shape[1]
        groups = c if self.coin(0.3) else 1
        out = c if groups > 1 else int(self.rng.integers(2, 5))
        k = int(self.rng.choice([1, 3]))
        s, p = (
            (2 if size > 6 and self.coin(0.3) else 1),
            int(self.rng.integers(0, (k + 1) // 2 + 1)) * (k > 1),
        )
        roles = self.weights(name, out, c // groups, k, k)
        self.put(conv(name, self.last, roles, stride=(s, s), padding=(p, p), groups=groups))
        side = (size + 2 * p - k) // s + 1
        self.shape = (out, side, side)

    def norm(self, name: str, axis: int) -> None:
        """Directly, or over flattened space."""
        per_step = self.coin()
        rows = STEPS if per_step else 1
        self.params |= norm_params(self.rng, name, self.shape[axis], rows)
        flat = axis == 0 and len(self.shape) == 3 and self.coin()
        if flat:
            self.put(
                node(
                    f"{name}.flat", "reshape", self.last, shape=(self.shape[0], self.shape[1] ** 2)
                )
            )
        self.put(norm(name, self.last, axis, per_step))
        if flat:
            self.put(node(f"{name}.back", "reshape", name, shape=self.shape))

    def fire(self, name: str) -> None:
        """Perhaps a scale or a residual, then a neuron, perhaps a scale on its spikes."""
        if self.coin(0.3):
            self.params[f"{name}.s"] = np.float32(0.5)
            self.put(node(f"{name}.scale", "affine", self.last, params={"scale": f"{name}.s"}))
        self.put(neuron(name, self.last))
        if self.coin(0.3):
            self.params[f"{name}.after"] = np.float32(0.25)
            self.put(node(f"{name}.gain", "affine", name, params={"scale": f"{name}.after"}))

    def block(self, i: int) -> None:
        """Weights to neuron."""
        self.convolution(f"conv{i}")
        if self.coin(0.4):
            self.convolution(f"conv{i}b")
        if self.coin(0.4) and self.shape[1] % 2 == 0:
            self.put(average(f"pool{i}", self.last))
            self.shape = (self.shape[0], self.shape[1] // 2, self.shape[2] // 2)
        if self.coin(0.7):
            self.norm(f"norm{i}", 0)
        self.fire(f"neuron{i}")

    def graph(self) -> Graph:
        """Built; the output is a linear map of the last spikes."""
        for i in range(int(self.rng.integers(1, 4))):
            self.block(i)
        if self.coin() and self.shape[1] % 2 == 0:
            self.put(average("pool", self.last))
            self.shape = (self.shape[0], self.shape[1] // 2, self.shape[2] // 2)
        size = int(np.prod(self.shape))
        self.put(node("flat", "reshape", self.last, shape=(size,)))
        self.put(node("hidden", "linear", "flat", params=self.weights("hidden", 6, size)))
        self.shape = (6,)
        if self.coin():
            self.norm("hidden.norm", 0)
        self.fire("hidden.neuron")
        self.put(node("head", "linear", self.last, params=self.weights("head", 4, 6)))
        if self.coin(0.4):
            self.put(node("logits", "linear", "head", params=self.weights("logits", 3, 4)))
        return built(self.nodes, self.params, STEPS, SAMPLES)


def clip(seed: int = 0, shape: tuple[int, ...] = FRAME, rate: float = 0.4) -> np.ndarray:
    """Bernoulli spikes."""
    rng = np.random.default_rng(seed)
    return (rng.random((STEPS, SAMPLES, *shape)) < rate).astype(np.float32)


@cache
def captured(name: str) -> tuple[Graph, np.ndarray]:
    """A zoo model, untrained or not, and a clip of multiples of 1/16."""
    recipe, rng = models.card(name).recipe, np.random.default_rng(0)
    if recipe.channels == "events":
        x, kind = (rng.random((4, 1, 2, *recipe.size)) < 0.1).astype(np.float32), "spike"
    else:
        shape = (recipe.frames, 1, 3, *recipe.size)
        x, kind = (rng.integers(-16, 17, shape) / 16).astype(np.float32), "real"
    return capture(models.load(name), torch.from_numpy(x), kind=kind), x


def ran(graph: Graph, x: np.ndarray, engine: str = "dense") -> Run:
    """Spikes recorded."""
    return simulate(graph, x, engine, record="spikes")


def same_spikes(a: Run, b: Run) -> None:
    """Spike trains of every neuron, and the outputs, bit for bit."""
    assert set(a.trace.values) == set(b.trace.values)
    for name, spikes in a.trace.values.items():
        np.testing.assert_array_equal(b.trace[name], spikes, err_msg=name)
    np.testing.assert_array_equal(np.asarray(b.outputs), np.asarray(a.outputs))


def same_events(before: Run, after: Run) -> None:
    """``KEPT`` counts equal in every node, sample and step; arithmetic and words not raised."""
    others = set(before.counts.events()) | set(after.counts.events())
    assert not before.counts.differences(after.counts, ignore=others - set(KEPT))
    for event in LOWERED:
        assert after.counts.total(event) <= before.counts.total(event), event
    assert words(after) <= words(before)


def words(run: Run) -> int:
    """Memory words of all kinds."""
    return sum(run.counts.total(event) for event in WORDS)


def body(graph: Graph) -> str:
    """The printed graph without its first line, which names the passes."""
    return str(graph).split("\n", 1)[1]
