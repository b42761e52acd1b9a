"""Expected counts of a design from assumed or published firing rates: rate × fan-out; the running
sum over the clip is rounded half to even.

Every operator counts as it does in a run, on values that hold probabilities instead of spikes:
movement keeps a rate, a window of k elements is active with 1 − (1 − r)^k, a product over K with 1
− (1 − r_a·r_b)^K (independent activity).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import RatesError, UnknownName
from neurosim.ir.counts import Counts
from neurosim.ir.graph import Graph, Node
from neurosim.ir.manifest import Manifest
from neurosim.ir.run import Run
from neurosim.ir.types import ValueType
from neurosim.ops import get
from neurosim.ops._value import Call, Expectation, Value
from neurosim.sim.simulate import opaque_notes

Rates = float | Mapping[str, float] | str | Path


class Expected(Value):
    """A value known by the probability that an element is active and its mean |n|."""

    def __init__(self, t: ValueType, steps: int, rate: float, units: float) -> None:
        shape = (steps, 1, *t.shape)
        super().__init__(torch.zeros(()).expand(shape), t)
        self.rate, self.mean_units = rate, units

    def active(self) -> Tensor:
        """The probability, everywhere."""
        return torch.tensor(self.rate, dtype=torch.float64).expand(self.data.shape)

    def units(self) -> Tensor:
        """The mean |n|, everywhere."""
        return torch.tensor(self.mean_units, dtype=torch.float64).expand(self.data.shape)

    def active_sum(self, axes: tuple[int, ...], units: bool = False) -> np.ndarray:
        """Expected number of active elements (or Σ|n|): float64 (steps, samples, *rest)."""
        shape = self.type.shape
        number = math.prod(shape[a] for a in axes) * (self.mean_units if units else self.rate)
        rest = tuple(n for i, n in enumerate(shape) if i not in axes)
        return np.full((*self.data.shape[:2], *rest), float(number)).view(Expectation)


def activity_from_rates(
    graph: Graph, rates: Rates, steps: int | None = None, *, activity: str = "assumed"
) -> Run:
    """A run of one sample whose counts follow from ``rates``: a number for every neuron, node →
    rate, or a JSON or CSV file of that. A discrete clip takes its rate under the input's name.

    Raises RatesError: a rate outside [0, 1] (or the most spikes a step), a neuron without one, a
    name that is none.
    """
    given = check_rates(graph, read_rates(rates))
    steps = steps or graph.steps
    table: dict[tuple[str, str], np.ndarray] = {}
    values: dict[str, Expected] = {}
    reached = Reached(graph, values)
    for node in graph.nodes:
        here = 1 if node.value.steps is None else steps
        rate, units = expected_activity(graph, node, values, given)
        out = values[node.name] = Expected(node.value, here, rate, units)
        for event, counted in _counts(node, graph, values, out, reached).items():
            table[node.name, event] = _row(np.asarray(counted), steps)
    manifest = Manifest(
        model=str(graph.meta.get("model", "")),
        pipeline=graph.pipeline,
        activity=activity,
        engine="expected",
        notes=opaque_notes(graph),
    )
    return Run(Counts(table, 1, steps), graph.facts(), manifest, graph=graph)


def _row(counted: np.ndarray, steps: int) -> np.ndarray:
    """(1, steps) integers whose running sum is that of the expectation, rounded half to even."""
    row = np.zeros((1, steps), np.int64)
    running = np.rint(np.cumsum(np.asarray(counted, np.float64)[:, 0]))
    row[0, steps - len(running) :] = np.diff(running, prepend=0.0).astype(np.int64)
    return row


def _counts(
    node: Node, graph: Graph, values: Mapping[str, Expected], out: Expected, reached: Reached
) -> dict[str, Any]:
    inputs = tuple(values.get(e.node) or _later(graph, e.node, out.steps) for e in node.inputs)
    params = {r: torch.from_numpy(np.array(graph.params[k])) for r, k in node.params.items()}
    call = Call(node, inputs, params, {})
    if node.op == "neuron":
        return _neuron(node, call, out, reached)
    if node.op == "multiply":
        both = out.type.size * math.prod(v.rate for v in inputs if v.type.discrete)
        return {"multiply": np.full((out.steps, 1), both)}
    return {
        event: np.full((out.steps, 1), n) if isinstance(n, int) else n
        for event, n in get(node.op).count(call, out).items()
    }


def _later(graph: Graph, name: str, steps: int) -> Expected:
    """A delayed operand that is computed later in the step."""
    return Expected(graph[name].value, steps, 0.0, 0.0)


def _neuron(node: Node, call: Call, out: Expected, reached: Reached) -> dict[str, Any]:
    counts = {
        event: np.full((out.steps, 1), n) if isinstance(n, int) else n
        for event, n in get("neuron").count(call, out).items()
    }
    if counts:
        everything = counts["neuron_active"] + counts["neuron_idle"]
        share = reached.of(node.inputs[0].node)
        counts["neuron_active"] = everything * share
        counts["neuron_idle"] = everything - counts["neuron_active"]
    return counts


def expected_activity(
    graph: Graph, node: Node, values: Mapping[str, Expected], given: Mapping[str, float]
) -> tuple[float, float]:
    """(probability that an element is active, mean |n|) of a node's output."""
    if not node.value.discrete:
        return 1.0, 1.0
    if node.name in given:
        return min(1.0, given[node.name]), given[node.name]
    rates = [
        (values[e.node].rate, values[e.node].mean_units) if e.node in values else (0.0, 0.0)
        for e in node.inputs
    ]
    if node.op == "matmul":
        (a, ua), (b, ub), k = *rates, graph[node.inputs[0].node].value.shape[-1]
        return 1 - (1 - a * b) ** k, k * ua * ub
    if node.op in ("pool", "reduce", "time_reduce"):
        return _windowed(graph, node, rates[0])
    if node.op == "add":
        (a, ua), (b, ub) = rates
        return 1 - (1 - a) * (1 - b), ua + ub
    if node.op == "multiply":
        return math.prod(r for r, _ in rates), math.prod(u for _, u in rates)
    if node.op == "concat":
        sizes = [graph[e.node].value.size for e in node.inputs]
        return (
            sum(s * r for s, (r, _) in zip(sizes, rates, strict=True)) / sum(sizes),
            sum(s * u for s, (_, u) in zip(sizes, rates, strict=True)) / sum(sizes),
        )
    if node.op == "affine" and "bias" in node.params:
        return 1 - rates[0][0], 1 - rates[0][1]
    return rates[0]


def _windowed(graph: Graph, node: Node, rate: tuple[float, float]) -> tuple[float, float]:
    r, u = rate
    before = graph[node.inputs[0].node].value
    if node.op == "pool":
        k = math.prod(node.attrs["kernel"])
    elif node.op == "reduce":
        k = before.size // max(1, node.value.size)
    else:
        k = 1 if node.attrs["mode"] == "at" else before.steps or 1
    active = 1 - (1 - r) ** k
    return active, active if node.attrs["mode"] == "max" else k * u


class Reached:
    """The probability that an event arrives at an element of a value in a step."""

    def __init__(self, graph: Graph, values: Mapping[str, Expected]) -> None:
        self.graph, self.values = graph, values
        self.known: dict[str, float] = {}

    def of(self, name: str) -> float:
        """1 for a REAL path."""
        if name not in self.known:
            self.known[name] = 0.0  # cuts delayed cycles
            self.known[name] = self._find(self.graph[name])
        return self.known[name]

    def _find(self, node: Node) -> float:
        if node.value.discrete:
            found = self.values.get(node.name)
            return 0.0 if found is None else found.rate
        role, operands = get(node.op).role, [self.graph[e.node] for e in node.inputs]
        if role == "input" or (role == "weights" and not operands[0].value.discrete):
            return 1.0
        if role == "weights":
            return 1 - (1 - self.of(operands[0].name)) ** node.known.fan_in
        if role == "product":
            sides = [self.of(o.name) if o.value.discrete else 1.0 for o in operands]
            real = not any(o.value.discrete for o in operands)
            return 1.0 if real else 1 - (1 - sides[0] * sides[1]) ** node.known.fan_in
        return 1 - math.prod(1 - self.of(o.name) for o in operands)


def read_rates(rates: Rates) -> float | dict[str, float]:
    """A number, a mapping, or what a JSON or CSV (node,rate) file holds. Raises RatesError."""
    if isinstance(rates, (int, float)):
        return float(rates)
    if isinstance(rates, Mapping):
        return dict(rates)
    path = Path(rates)
    try:
        text = path.read_text()
        if path.suffix.lower() == ".json":
            found = json.loads(text)
        else:
            rows = [line.split(",") for line in text.splitlines() if line.strip()]
            found = {r[0].strip(): r[1].strip() for r in rows[_header(rows) :]}
        return {str(k): float(v) for k, v in found.items()}
    except FileNotFoundError:
        raise RatesError(
            f"no such rates file: {path}; give a number, a JSON or CSV file, or 'published'"
        ) from None
    except (OSError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise RatesError(
            f"{path}: not a table of rates ({' '.join(str(error).split())[:100]}); "
            'write JSON {"node": 0.1} or CSV lines node,rate'
        ) from None


def _header(rows: list[list[str]]) -> int:
    try:
        float(rows[0][1])
    except ValueError:
        return 1
    return 0


def check_rates(graph: Graph, rates: float | Mapping[str, float]) -> dict[str, float]:
    """Node → rate for every spiking neuron (and the clip when it is discrete)."""
    neurons = [n for n in graph.neurons() if n.value.discrete]
    wanted = {n.name: n for n in (*neurons, *(i for i in graph.inputs if i.value.discrete))}
    given = dict.fromkeys(wanted, float(rates)) if isinstance(rates, (int, float)) else dict(rates)
    for name, rate in given.items():
        if name not in wanted:
            raise RatesError(str(UnknownName("neuron node in the rates", name, wanted)))
        most = wanted[name].value.hi
        if not (isinstance(rate, (int, float)) and math.isfinite(rate) and 0 <= rate <= most):
            raise RatesError(f"the rate of {name!r} is {rate}; a rate is between 0 and {most}")
    missing = [n for n in wanted if n not in given]
    if missing:
        named = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        raise RatesError(f"no rate for {named}; give every neuron one")
    return given
