"""Puts weights, biases and norm coefficients on a grid: float32 sums are then exact in any order.

Every weight becomes a multiple of a power of two g with Σ|w|·max|payload| + |b| < 2^24·g per output
(counting rules, section 1.2); scales become powers of two and offsets multiples of the grid they
are added on. A chain of linear maps on real values shares the 24 bits: its weights keep fewer bits
each. Where the grid of an operand is not known (a softmax, a layer norm), the weights are snapped
all the same, but only sums over discrete operands are exact in any order. Changes spikes: a tool
for tests of exactness, never a default.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from neurosim.errors import GraphError
from neurosim.ir.graph import Graph, Node
from neurosim.passes._rewrite import array, substituted
from neurosim.passes._span import Span, of_discrete, through

KEEPS = "shapes and counts of silence; changes spikes"
_WEIGHTS = ("convolution", "temporal_convolution", "linear")
_FINEST = 2.0**-8  # of offsets


@dataclass
class _Snapped:
    """What one attempt found: the span of every value, and the arrays that replace the stored
    ones."""

    spans: dict[str, Span | None] = field(default_factory=dict)
    params: dict[str, np.ndarray] = field(default_factory=dict)
    nodes: dict[str, tuple[Node, ...]] = field(default_factory=dict)
    full: list[str] = field(default_factory=list)  # sums that do not fit

    def put(self, node: Node, roles: dict[str, np.ndarray]) -> None:
        """Replace these parameters of a node."""
        keys = {role: f"{node.name}.{role}.snapped" for role in roles}
        self.params |= {keys[role]: value.astype(np.float32) for role, value in roles.items()}
        attrs = {**node.attrs, "eps": 0.0} if node.op == "batch_norm" else node.attrs
        self.nodes[node.name] = (replace(node, params={**node.params, **keys}, attrs=attrs),)


def snap_weights(
    graph: Graph, bits: int = 8, clip_grid: float = 2.0**-4, clip_bound: float = 1.0
) -> Graph:
    """At most ``bits`` bits of magnitude per weight, fewer where the sum needs it. A REAL clip
    holds multiples of ``clip_grid`` up to ``clip_bound``. Raises GraphError when no grid makes the
    sums exact."""
    from neurosim.ops import build

    graph = build(
        _with_powers_of_two(graph)
    )  # scales first: they decide the grids of what they scale
    attempts = (_attempt(graph, bits, b, Span(clip_grid, clip_bound)) for b in range(bits, 0, -1))
    done = _Snapped()
    for done in attempts:
        if not done.full:
            return substituted(graph, done.nodes, None, done.params)
    raise GraphError(
        f"at {done.full[0]!r}: no grid makes its sums exact; clip the payload, or put a neuron "
        "into the chain"
    )


def _attempt(graph: Graph, bits: int, chained: int, clip: Span) -> _Snapped:
    """``chained``: bits of the weights that follow one another without a neuron between."""
    done, together = _Snapped(), _in_chains(graph)
    for node in graph.nodes:
        if node.op == "input" and not node.value.discrete:
            done.spans[node.name] = clip
        elif node.op in _WEIGHTS:
            most = chained if node.name in together else bits
            done.spans[node.name] = _snap_map(graph, node, most, done)
        elif node.op in ("affine", "batch_norm", "neuron"):
            done.spans[node.name] = _snap_offsets(graph, node, done)
        else:
            done.spans[node.name] = through(node, done.spans)
        if node.value.discrete:
            done.spans[node.name] = of_discrete(node.value)
    return done


def _in_chains(graph: Graph) -> set[str]:
    """Weight nodes that reach another, or are reached by one, through real values alone."""
    found: set[str] = set()
    for node in graph.nodes:
        if node.op in _WEIGHTS:
            before = _behind(graph, node)
            found |= {*before, node.name} if before else set()
    return found


def _behind(graph: Graph, node: Node) -> set[str]:
    """Weight nodes that feed ``node`` through real values."""
    found: set[str] = set()
    seen: set[str] = set()
    stack = [e.node for e in node.inputs]
    while stack:
        name = stack.pop()
        if name in seen or graph[name].value.discrete or graph[name].op == "neuron":
            continue
        seen.add(name)
        if graph[name].op in _WEIGHTS:
            found.add(name)
        stack += [e.node for e in graph[name].inputs]
    return found


def _snap_map(graph: Graph, node: Node, bits: int, done: _Snapped) -> Span | None:
    weight = graph.params[node.params["weight"]].astype(np.float64)
    operand = (
        done.spans.get(node.inputs[0].node) if not node.inputs[0].delay else _delayed(graph, node)
    )
    roles, span = _on_grid(graph, node, weight, operand or Span(1.0, 1.0), bits)
    while bits > 1 and not span.exact:
        bits -= 1
        roles, span = _on_grid(graph, node, weight, operand or Span(1.0, 1.0), bits)
    done.put(node, roles)
    if operand is not None and not span.exact:
        done.full.append(node.name)
    return None if operand is None else span


def _delayed(graph: Graph, node: Node) -> Span | None:
    """Of an operand that is computed later in the step."""
    t = graph[node.inputs[0].node].value
    return of_discrete(t) if t.discrete else None


def _on_grid(
    graph: Graph, node: Node, weight: np.ndarray, x: Span, bits: int
) -> tuple[dict[str, np.ndarray], Span]:
    """The weight and bias on a grid of that many bits, and the span of the sums."""
    largest = float(np.abs(weight).max()) or 1.0
    grid = float(2.0 ** (np.ceil(np.log2(largest)) - bits))
    roles = {"weight": np.round(weight / grid) * grid}
    total = _sums(node, roles["weight"]) * x.bound
    bias = array(graph, node, "bias")
    if bias is not None:
        roles["bias"] = np.round(bias.astype(np.float64) / (grid * x.grid)) * (grid * x.grid)
        total = total + np.abs(roles["bias"])
    return roles, Span(grid * x.grid, float(np.max(total)))


def _sums(node: Node, weight: np.ndarray) -> np.ndarray:
    """Σ|w| of every output channel."""
    if not node.attrs.get("transposed"):
        return np.abs(weight).reshape(len(weight), -1).sum(axis=1)
    groups = node.attrs["groups"]
    split = np.abs(weight).reshape(groups, len(weight) // groups, *weight.shape[1:])
    return split.sum(axis=(1, *range(3, split.ndim))).reshape(-1)


def _with_powers_of_two(graph: Graph) -> Graph:
    done = _Snapped()
    for node in graph.nodes:
        if node.op in ("affine", "batch_norm", "neuron"):
            values = {r: graph.params[k].astype(np.float64) for r, k in node.params.items()}
            roles = {
                r: power_of_two(v) for r, v in values.items() if r in ("scale", "affine_scale")
            }
            if node.op == "batch_norm":
                roles |= {r: power_of_two(v) for r, v in values.items() if r == "weight"}
                roles["var"] = 4.0 ** np.round(np.log2(values["var"] + node.attrs["eps"]) / 2)
            if roles:
                done.put(node, roles)
    return substituted(graph, done.nodes, None, done.params)


def _snap_offsets(graph: Graph, node: Node, done: _Snapped) -> Span | None:
    """Offsets on the grid of what they are added to, no finer than 2^-8; the span of α·x + β."""
    x = done.spans.get(node.inputs[0].node)
    values = {r: graph.params[k].astype(np.float64) for r, k in node.params.items()}
    base = _FINEST if x is None else max(x.grid, _FINEST)
    roles = {
        r: np.round(v / base) * base
        for r, v in values.items()
        if r in ("bias", "affine_bias", "mean")
    }
    if roles:
        done.put(node, roles)
    if x is None or node.op == "neuron":
        return None
    scale = np.abs(_alpha(node, values))
    mean = float(np.abs(roles["mean"]).max()) if "mean" in roles else 0.0
    bias = float(np.abs(roles["bias"]).max()) if "bias" in roles else 0.0
    smallest = float(scale[scale > 0].min()) if (scale > 0).any() else 1.0
    grid = min(x.grid * smallest, base * min(1.0, smallest)) if roles else x.grid * smallest
    return Span(grid, float(scale.max()) * (x.bound + mean) + bias)


def _alpha(node: Node, values: dict[str, np.ndarray]) -> np.ndarray:
    if node.op == "batch_norm":
        return values.get("weight", np.ones(1)) / np.sqrt(values["var"])
    scale = values.get("scale", np.ones(1))
    return 1.0 / scale if node.attrs.get("divide") else scale


def power_of_two(value: np.ndarray) -> np.ndarray:
    """Nearest power of two with the same sign; 0 stays 0."""
    magnitude = np.abs(value)
    exponent = np.round(np.log2(np.where(magnitude > 0, magnitude, 1.0)))
    return np.where(magnitude > 0, np.sign(value) * 2.0**exponent, 0.0)
