"""NIR step by step in torch, as its documents state it (forward Euler), and random graphs.

Written from NIR's page of primitives alone, to be an oracle of the import: it walks the graph once
a step, sums what arrives at a node, and takes from last step what this step has not made yet.
"""

from __future__ import annotations

import warnings
from typing import Any

import nir
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

DT = 2.0**-10  # seconds; a power of two, so that seconds come back as the same steps


class Reference:
    """One graph with its state."""

    def __init__(self, graph: nir.NIRGraph, dt: float = DT) -> None:
        self.nodes, self.dt = graph.nodes, dt
        self.before: dict[str, list[str]] = {n: [] for n in graph.nodes}
        for a, b in graph.edges:
            self.before[b].append(a)
        self.order = self._order(graph)
        self.state: dict[str, Any] = {}
        self.last: dict[str, Tensor] = {}

    def _order(self, graph: nir.NIRGraph) -> list[str]:
        """Names in the order in which random graphs are built: only recurrent edges go back."""
        return list(graph.nodes)

    def run(self, clip: Tensor) -> Tensor:
        """(T, B, …) → what reaches the Output."""
        return torch.stack([self._step(x) for x in clip])

    def _step(self, x: Tensor) -> Tensor:
        now: dict[str, Tensor] = {}
        for name in self.order:
            if isinstance(self.nodes[name], nir.Input):
                now[name] = x
                continue
            parts = [now.get(b, self.last.get(b)) for b in self.before[name]]
            total = None
            for part in parts:
                if part is not None:
                    total = part if total is None else total + part
            if total is None:  # a recurrent layer before its neuron ever spoke
                total = torch.zeros(len(x), *self.nodes[name].input_type["input"])
            now[name] = self._node(name, self.nodes[name], total)
        self.last = now
        return now[next(n for n in self.order if isinstance(self.nodes[n], nir.Output))]

    def _node(self, name: str, node: Any, x: Tensor) -> Tensor:
        made = getattr(self, type(node).__name__.lower())
        return made(name, node, x)

    def output(self, name: str, node: Any, x: Tensor) -> Tensor:
        return x

    def conv2d(self, name: str, node: Any, x: Tensor) -> Tensor:
        padding = node.padding if isinstance(node.padding, str) else tuple(node.padding)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of 'same' with even kernels
            return F.conv2d(
                x, _t(node.weight), _t(node.bias), tuple(node.stride), padding,
                tuple(node.dilation), node.groups,
            )  # fmt: skip

    def conv1d(self, name: str, node: Any, x: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return F.conv1d(
                x, _t(node.weight), _t(node.bias), node.stride, node.padding, node.dilation,
                node.groups,
            )  # fmt: skip

    def sumpool2d(self, name: str, node: Any, x: Tensor) -> Tensor:
        size = tuple(int(k) for k in node.kernel_size)
        return F.avg_pool2d(
            x, size, tuple(map(int, node.stride)), tuple(map(int, node.padding)), divisor_override=1
        )

    def avgpool2d(self, name: str, node: Any, x: Tensor) -> Tensor:
        size = tuple(int(k) for k in node.kernel_size)
        return F.avg_pool2d(x, size, tuple(map(int, node.stride)), tuple(map(int, node.padding)))

    def flatten(self, name: str, node: Any, x: Tensor) -> Tensor:
        start = node.start_dim + 1 if node.start_dim >= 0 else node.start_dim
        end = node.end_dim + 1 if node.end_dim >= 0 else node.end_dim
        return x.flatten(start, end)

    def affine(self, name: str, node: Any, x: Tensor) -> Tensor:
        return torch.einsum("...oi,b...i->b...o", _t(node.weight), x) + _t(node.bias)

    def linear(self, name: str, node: Any, x: Tensor) -> Tensor:
        return torch.einsum("...oi,b...i->b...o", _t(node.weight), x)

    def scale(self, name: str, node: Any, x: Tensor) -> Tensor:
        return x * _t(node.scale)

    def threshold(self, name: str, node: Any, x: Tensor) -> Tensor:
        return (x > _t(node.threshold)).to(x)

    def delay(self, name: str, node: Any, x: Tensor) -> Tensor:
        steps = np.rint(np.broadcast_to(node.delay, x.shape[1:]) / self.dt).astype(int)
        line = self.state.setdefault(name, [torch.zeros_like(x)] * int(steps.max()))
        line.append(x)
        index = torch.from_numpy(len(line) - 1 - steps).expand(x.shape)
        return torch.stack(line).gather(0, index.unsqueeze(0))[0]

    def _leak(self, name: str, node: Any, tau: Any, x: Tensor) -> Tensor:
        v = self.state.get((name, "v"), torch.zeros_like(x))
        rate = _t(self.dt / np.asarray(tau, np.float64))
        return v + rate * ((_t(node.v_leak) - v) + _t(node.r) * x)

    def _current(self, name: str, node: Any, x: Tensor) -> Tensor:
        i = self.state.get((name, "i"), torch.zeros_like(x))
        rate = _t(self.dt / np.asarray(node.tau_syn, np.float64))
        i = i + rate * (_t(node.w_in) * x - i)
        self.state[name, "i"] = i
        return i

    def _fire(self, name: str, node: Any, v: Tensor) -> Tensor:
        z = (v > _t(node.v_threshold)).to(v)
        self.state[name, "v"] = torch.where(z > 0, _t(node.v_reset).expand_as(v), v)
        return z

    def _keep(self, name: str, v: Tensor) -> Tensor:
        self.state[name, "v"] = v
        return v

    def lif(self, name: str, node: Any, x: Tensor) -> Tensor:
        return self._fire(name, node, self._leak(name, node, node.tau, x))

    def li(self, name: str, node: Any, x: Tensor) -> Tensor:
        return self._keep(name, self._leak(name, node, node.tau, x))

    def cubalif(self, name: str, node: Any, x: Tensor) -> Tensor:
        i = self._current(name, node, x)
        return self._fire(name, node, self._leak(name, node, node.tau_mem, i))

    def cubali(self, name: str, node: Any, x: Tensor) -> Tensor:
        i = self._current(name, node, x)
        return self._keep(name, self._leak(name, node, node.tau_mem, i))

    def if_(self, name: str, node: Any, x: Tensor) -> Tensor:
        return self._fire(name, node, self._integrated(name, node, x))

    def i(self, name: str, node: Any, x: Tensor) -> Tensor:
        return self._keep(name, self._integrated(name, node, x))

    def _integrated(self, name: str, node: Any, x: Tensor) -> Tensor:
        v = self.state.get((name, "v"), torch.zeros_like(x))
        return v + _t(np.asarray(node.r) * self.dt) * x


setattr(Reference, "if", Reference.if_)


def _t(value: Any) -> Tensor:
    return torch.as_tensor(np.asarray(value), dtype=torch.float32)


class RandomGraph:
    """Convolutions, pools and neurons over one or two axes of space, then linear maps; with sums,
    delays, and a recurrent layer at the end. Numbers lie on grids: sums are exact."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.flat = bool(self.rng.random() < 0.25)  # one axis of space
        sizes = self.rng.integers(5, 10, 1 if self.flat else 2)
        self.shape: tuple[int, ...] = (int(self.rng.integers(1, 4)), *map(int, sizes))
        self.start = self.shape
        self.nodes: dict[str, Any] = {"input": nir.Input(np.array(self.shape))}
        self.edges: list[tuple[str, str]] = []
        self.last = "input"
        self.seen: dict[tuple[int, ...], str] = {}
        for _ in range(int(self.rng.integers(1, 4))):
            self._stage()
        self._head()

    def graph(self) -> nir.NIRGraph:
        """All of it; NIR's own shape check is wrong for much of it."""
        return nir.NIRGraph(self.nodes, self.edges, type_check=False)

    def clip(self, steps: int = 8, samples: int = 2) -> Tensor:
        """(T, B, *shape) in quarters."""
        return torch.from_numpy(
            self.rng.integers(-4, 9, (steps, samples, *self.start)).astype(np.float32) / 4
        )

    def coin(self, p: float) -> bool:
        """True with probability p."""
        return bool(self.rng.random() < p)

    def put(self, node: Any) -> None:
        """The next node of the chain; its output shape from the reference itself."""
        name = f"{len(self.nodes)}.{type(node).__name__.lower()}"
        self.nodes[name] = node
        self.edges.append((self.last, name))
        one = Reference(nir.NIRGraph({name: node}, [], type_check=False))
        self.shape = tuple(one._node(name, node, torch.zeros(1, *self.shape)).shape[1:])
        self.last = name

    def _stage(self) -> None:
        self._convolution()
        if self.coin(0.2):
            grid = self.rng.choice([0.5, 1.0, 2.0, -1.0], self.shape)
            self.put(nir.Scale(grid.astype(np.float32)))
        self._neuron(firing=True)
        if not self.flat and min(self.shape[1:]) > 2 and self.coin(0.5):
            self._pool()
        if self.coin(0.2):
            steps = (
                self.rng.integers(1, 3) if self.coin(0.5) else self.rng.integers(0, 3, self.shape)
            )
            self.put(nir.Delay(np.broadcast_to(steps * DT, self.shape).copy()))

    def _convolution(self) -> None:
        n, groups = len(self.shape) - 1, 1
        if self.coin(0.4):
            groups = self.shape[0]
        out = groups * int(self.rng.integers(1, 4))
        kernel = tuple(int(self.rng.integers(1, min(4, s + 1))) for s in self.shape[1:])
        weight = self.rng.integers(-8, 9, (out, self.shape[0] // groups, *kernel)) / 8
        bias = self.rng.integers(-4, 5, out) / 8 * self.coin(0.6)
        stride = tuple(int(self.rng.integers(1, 3)) for _ in range(n))
        padding: Any = tuple(int(self.rng.integers(0, 3)) for _ in range(n))
        dilation = tuple(
            int(self.rng.integers(1, 3)) if 2 * (k - 1) < s + 2 * p else 1
            for k, s, p in zip(kernel, self.shape[1:], padding, strict=True)
        )
        if self.coin(0.3):
            padding = str(self.rng.choice(["same", "valid"]))
            fits = all(
                d * (k - 1) < s for d, k, s in zip(dilation, kernel, self.shape[1:], strict=True)
            )
            dilation = dilation if fits else (1,) * n
            stride = (1,) * n if padding == "same" else stride
        made = nir.Conv1d if n == 1 else nir.Conv2d

        def whole(v: Any) -> Any:
            return v if isinstance(v, str) or n == 2 else v[0]

        size = self.shape[1] if n == 1 else self.shape[1:]
        self.put(
            made(
                size,
                weight.astype(np.float32),
                whole(stride),
                whole(padding),
                whole(dilation),
                groups,
                bias.astype(np.float32),
            )  # fmt: skip
        )

    def _pool(self) -> None:
        made = nir.SumPool2d if self.coin(0.5) else nir.AvgPool2d
        kernel = self.rng.choice([1, 2], 2) if made is nir.AvgPool2d else self.rng.integers(1, 4, 2)
        kernel = np.minimum(kernel, self.shape[1:])
        padding = np.minimum(self.rng.integers(0, 2, 2), kernel // 2)
        self.put(made(kernel, self.rng.integers(1, 3, 2), padding))

    def _neuron(self, firing: bool) -> None:
        kinds = ["LIF", "IF", "CubaLIF"] if firing else ["LI", "I", "CubaLI"]
        self.put(neuron(str(self.rng.choice(kinds)), self.shape, self.rng))

    def _head(self) -> None:
        self.put(nir.Flatten({"input": np.array(self.shape)}, 0, -1))
        width = int(self.rng.integers(3, 7))
        weight = self.rng.integers(-8, 9, (width, *self.shape)) / 16
        if self.coin(0.5):
            self.put(nir.Linear(weight.astype(np.float32)))
        else:
            bias = self.rng.integers(-4, 5, width) / 8
            self.put(nir.Affine(weight.astype(np.float32), bias.astype(np.float32)))
        drive = self.last
        self._neuron(firing=True)
        if self.coin(0.5):
            self._recurrence()
        if self.coin(0.4):  # around the neuron
            self.put(nir.Linear(np.eye(width, dtype=np.float32)))
            self.edges.append((drive, self.last))
            self._neuron(firing=False)
        self.nodes["output"] = nir.Output(np.array(self.shape))
        self.edges.append((self.last, "output"))

    def _recurrence(self) -> None:
        width = self.shape[0]
        weight = (self.rng.integers(-8, 9, (width, width)) / 8).astype(np.float32)
        neuron_node = self.nodes.pop(self.last)  # the recurrent layer runs before its neuron
        self.nodes["recurrent"] = nir.Linear(weight)
        self.nodes[self.last] = neuron_node
        self.edges += [(self.last, "recurrent"), ("recurrent", self.last)]


def neuron(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """One of NIR's neurons whose constants are powers of two, per neuron or one for all."""

    def drawn(choices: list[float]) -> np.ndarray:
        size = shape if rng.random() < 0.3 else ()
        return np.broadcast_to(rng.choice(choices, size), shape).astype(np.float64).copy()

    tau, zero = drawn([1, 2, 4]) * DT, np.zeros(shape)
    fires = {"v_threshold": drawn([0.5, 1.0]), "v_reset": drawn([0.0, 0.0, -0.5, 0.25])}
    if kind in ("I", "IF"):
        fields: dict[str, Any] = {"r": drawn([0.5, 1.0]) / DT}
    elif kind in ("LI", "LIF"):
        fields = {"tau": tau, "r": drawn([1.0, 2.0]), "v_leak": drawn([0.0, 0.25])}
    else:
        fields = {
            "tau_mem": tau, "tau_syn": drawn([1, 2]) * DT, "r": drawn([1.0, 2.0]),
            "v_leak": zero, "w_in": drawn([1.0, 2.0]),
        }  # fmt: skip
    return getattr(nir, kind)(**fields, **(fires if kind.endswith("IF") else {}))
