"""One operator in a graph of its own, run by the engine: what every operator's test stands on.

The clip is REAL and flat; each operand is cut out of it and declared what it is (``as_spikes``), so
that operands of any kinds and shapes meet in one run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim import ops
from neurosim.ir.facts import NodeFacts
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.run import Run
from neurosim.ir.types import ValueType
from neurosim.sim.simulate import simulate

Params = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Operand:
    """value = scale × n. ``n``: (steps, samples, *shape); kind 'spike' | 'graded' | 'real' |
    'masked'. ``clip``: only its first step, as a clip value. ``span``: (lo, hi) of a graded one."""

    n: np.ndarray
    kind: str = "spike"
    scale: float = 1.0
    span: tuple[int, int] | None = None
    clip: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one slice."""
        return self.n.shape[2:]


@dataclass(frozen=True)
class Ran:
    """What the operator left behind; ``counts``: event → int64 (steps, samples)."""

    type: ValueType
    facts: NodeFacts
    out: np.ndarray
    counts: dict[str, np.ndarray]
    graph: Graph
    run: Run

    def total(self, event: str) -> int:
        """All steps and samples."""
        return int(self.counts[event].sum())


def spikes(rng: np.random.Generator, *shape: int, rate: float = 0.3) -> Operand:
    """Bernoulli 0/1."""
    return Operand((rng.random(shape) < rate).astype(np.float32))


def graded(rng: np.random.Generator, *shape: int, span: tuple[int, int] = (-3, 3)) -> Operand:
    """Integers of a range, many of them 0."""
    n = rng.integers(span[0], span[1] + 1, shape) * (rng.random(shape) < 0.5)
    return Operand(n.astype(np.float32), "graded", span=span)


def real(rng: np.random.Generator, *shape: int) -> Operand:
    """Normal numbers, some exactly 0."""
    n = rng.normal(size=shape) * (rng.random(shape) < 0.8)
    return Operand(n.astype(np.float32), "real")


def masked(rng: np.random.Generator, *shape: int) -> Operand:
    """A REAL, zero wherever no spike was."""
    return replace(real(rng, *shape), kind="masked")


OF_KIND = {"spike": spikes, "graded": graded, "real": real, "masked": masked}


def input_node(
    shape: Sequence[int], steps: int, kind: str = "spike", lo: int = 0, hi: int = 1
) -> Node:
    """The clip."""
    if kind == "real":
        lo = hi = 0
    return Node(
        "clip",
        "input",
        (),
        {"shape": tuple(shape), "steps": steps, "kind": kind, "lo": lo, "hi": hi},
    )


def node(
    name: str, op: str, *inputs: str | Edge, params: Mapping[str, str] | None = None, **attrs: Any
) -> Node:
    """A node; operands by name."""
    edges = tuple(e if isinstance(e, Edge) else Edge(e) for e in inputs)
    return Node(name, op, edges, attrs, params or {})


def built(
    nodes: Sequence[Node], params: Params, steps: int, samples: int = 1, outputs: Sequence[str] = ()
) -> Graph:
    """Verified, with types and facts."""
    names = tuple(outputs) or (nodes[-1].name,)
    return ops.build(Graph(tuple(nodes), dict(params), names, steps, samples))


def operator_graph(
    op: str, operands: Sequence[Operand], attrs: Mapping[str, Any], params: Params
) -> tuple[Graph, np.ndarray]:
    """The graph whose node 'y' is the operator, and the clip that feeds it."""
    steps, samples = operands[0].n.shape[:2]
    nodes: list[Node] = []
    held: dict[str, np.ndarray] = {}
    parts: list[np.ndarray] = []
    for i, operand in enumerate(operands):
        nodes += _operand(f"x{i}", operand, parts, held)
    roles = {role: f"y.{role}" for role in params}
    held |= {roles[role]: np.array(array) for role, array in params.items()}
    nodes.append(node("y", op, *(f"x{i}" for i in range(len(operands))), params=roles, **attrs))
    clip = np.concatenate(parts, axis=2).astype(np.float32)
    return built([input_node(clip.shape[2:], steps, "real"), *nodes], held, steps, samples), clip


def _operand(
    name: str, x: Operand, parts: list[np.ndarray], held: dict[str, np.ndarray]
) -> list[Node]:
    """Cut it out of the clip and make it what it is; its numbers go to ``parts``."""
    if x.kind == "masked":
        gate = replace(x, n=(x.n != 0).astype(np.float32), kind="spike")
        value = replace(x, kind="real")
        nodes = _operand(f"{name}.gate", gate, parts, held)
        nodes += _operand(f"{name}.value", value, parts, held)
        return [*nodes, node(name, "multiply", f"{name}.value", f"{name}.gate")]
    start = sum(p.shape[2] for p in parts)
    parts.append(x.n.reshape(*x.n.shape[:2], -1))
    stop = start + parts[-1].shape[2]
    chain: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("slice", {"axis": 0, "start": start, "stop": stop, "step": 1}, {}),
        ("reshape", {"shape": x.shape}, {}),
    ]
    if x.kind != "real":
        lo, hi = x.span or ((0, 1) if x.kind == "spike" else _span(x.n))
        chain.append(("as_spikes", {"lo": lo, "hi": hi}, {}))
    if x.scale != 1.0:
        held[f"{name}.scale"] = np.float32(x.scale)
        chain.append(("affine", {}, {"scale": f"{name}.scale"}))
    if x.clip:
        chain.append(("time_reduce", {"mode": "at", "step": 0}, {}))
    return _chained("clip", name, chain)


def _chained(
    last: str, name: str, chain: Sequence[tuple[str, dict[str, Any], dict[str, str]]]
) -> list[Node]:
    nodes = []
    for k, (op, attrs, roles) in enumerate(chain):
        label = name if k == len(chain) - 1 else f"{name}.{k}"
        nodes.append(node(label, op, last, params=roles, **attrs))
        last = label
    return nodes


def _span(n: np.ndarray) -> tuple[int, int]:
    return min(0, int(n.min())), max(2, int(n.max()))


def operate(
    op: str,
    *operands: Operand,
    params: Params | None = None,
    chunk: int | None = None,
    engine: str = "dense",
    **attrs: Any,
) -> Ran:
    """Run one operator through ``simulate``."""
    graph, clip = operator_graph(op, operands, attrs, params or {})
    run = simulate(graph, clip, engine, chunk=chunk, record=["y"])
    return ran(graph, run, "y")


def ran(graph: Graph, run: Run, name: str) -> Ran:
    """One recorded node of a run."""
    out = run.trace[name]
    counts = {e: array.T for n, e, array in run.counts if n == name}
    return Ran(graph[name].value, graph[name].known, out, counts, graph, run)


def same_counts(found: Mapping[str, np.ndarray], expected: Mapping[str, Any]) -> None:
    """Every event equal, and no other event but zeros."""
    for event, numbers in expected.items():
        zero = np.zeros_like(next(iter(found.values()))) if found else 0
        np.testing.assert_array_equal(found.get(event, zero), numbers, err_msg=event)
    extra = {e: int(a.sum()) for e, a in found.items() if e not in expected and a.any()}
    assert not extra


def every_step(found: Mapping[str, np.ndarray], expected: Mapping[str, int]) -> None:
    """``same_counts`` where each step and sample counts the same number."""
    same_counts(found, dict(expected))


def events(*parts: Mapping[str, int]) -> dict[str, int]:
    """Sum of the oracle's tables, per step and sample."""
    total: dict[str, int] = {}
    for part in parts:
        for event, number in part.items():
            total[event] = total.get(event, 0) + number
    return total
