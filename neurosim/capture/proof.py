"""Runs the folded graph on the clips that the model got, neurons held to what they really emitted,
and compares.

Every neuron's own spikes and every output must be the model's: nothing else proves a folding. A
spike may differ only where the membrane lies within rounding of the threshold (sums in another
order): where a threshold higher or lower by ``NEAR`` gives the model's spike. What follows in that
neuron is its consequence.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import CaptureError
from neurosim.ir.graph import Graph, Node
from neurosim.ir.neuron import Neuron
from neurosim.ops import get
from neurosim.ops._interpret import interpret
from neurosim.ops._value import Call, Value

NEAR = 2e-5  # of |threshold| + the largest input: some hundred roundings of float32
RELATIVE = 1e-3


def prove(
    graph: Graph, clip: Tensor, emitted: dict[str, Tensor], returned: dict[int, Tensor]
) -> None:
    """Raise CaptureError naming the first node that does not do what the model did."""
    values, computed = interpret(graph, clip, emitted, frozenset(graph.outputs), fused=True)
    flipped = [n for n, own in computed.items() if not _same(graph, n, own, emitted[n])]
    if flipped:
        sources = frozenset(graph[n].inputs[0].node for n in flipped)
        inputs, _ = interpret(graph, clip, emitted, sources, fused=True)
        for name in flipped:
            _near(graph, graph[name], inputs, computed[name], emitted[name])
    for node, dims, leaf in _leaves(graph.meta["outputs"]):
        found = _restored(node, values[node], dims)
        _compare(graph, node, found, returned[leaf])


def _same(graph: Graph, name: str, own: Tensor, real: Tensor) -> bool:
    """Whether a neuron emitted what the model's did; one that emits its membrane must."""
    if own.shape != real.shape:
        raise CaptureError(
            f"at {name!r}: the graph computes {tuple(own.shape)}, the model {tuple(real.shape)}"
        )
    if graph[name].value.discrete:
        return torch.equal(own, real)
    _compare(graph, name, own, real)
    return True


def _near(graph: Graph, node: Node, inputs: dict[str, Tensor], own: Tensor, real: Tensor) -> None:
    """Raise CaptureError unless the first difference of every neuron lies at its threshold."""
    differs = own != real
    first = differs.int().argmax(0, keepdim=True)
    edge = node.inputs[0]
    x = inputs[edge.node]
    if edge.delay:
        x = torch.cat([torch.zeros_like(x[: edge.delay]), x[: -edge.delay]])
    excused = torch.zeros_like(differs[:1])
    for sign in (-1.0, 1.0):
        moved = _with_threshold(graph, node, x, sign)
        excused |= (moved == real).gather(0, first)
    wrong = differs.any(0, keepdim=True) & ~excused
    if bool(wrong.any()):
        share = 100 * float(differs.float().mean())
        _fail(graph, node.name, f"{share:.2g} % of its spikes differ from the model's")


def _with_threshold(graph: Graph, node: Node, x: Tensor, sign: float) -> Tensor:
    """What the neuron emits with a threshold moved by rounding."""
    neuron = Neuron.from_dict(node.attrs["equation"])
    params = {r: torch.from_numpy(np.array(graph.params[k])) for r, k in node.params.items()}
    size = abs(neuron.v_threshold) + (float(x.abs().max()) if x.numel() else 0.0)
    shift = sign * NEAR * size
    for role in ("v_threshold", "b_init"):
        if role in params:
            params[role] = params[role] + shift
    moved = replace(neuron, v_threshold=neuron.v_threshold + shift, b_init=neuron.b_init + shift)
    copy = replace(node, attrs={**node.attrs, "equation": moved.to_dict()})
    value = Value(x, graph[node.inputs[0].node].value)
    return get("neuron").run(Call(copy, (value,), params, {}, 0, "event"))


def _compare(graph: Graph, name: str, own: Tensor, real: Tensor) -> None:
    own, real = own.float(), real.float()
    if own.shape != real.shape:
        _fail(
            graph, name, f"its shape is {tuple(own.shape)}, the model returned {tuple(real.shape)}"
        )
    finite = torch.isfinite(real)
    if not torch.equal(finite, torch.isfinite(own)):
        _fail(graph, name, "infinities differ from the model's")
    scale = float(real[finite].abs().max()) if bool(finite.any()) else 0.0
    worst = float((own - real)[finite].abs().max()) if bool(finite.any()) else 0.0
    if worst > RELATIVE * max(scale, 1e-6):
        _fail(
            graph, name, f"its values differ from the model's by {worst:.3g} (largest {scale:.3g})"
        )


def _fail(graph: Graph, name: str, what: str) -> None:
    source = graph[name].source
    raise CaptureError(
        f"at {name!r}{f' ({source})' if source else ''}: the captured graph is not the model: "
        f"{what}; its equation, the loop, a state "
        "or a write in place was not understood; correct the recogniser or simplify it there"
    )


def _leaves(nest: object) -> list[tuple[str, list[list[str]], int]]:
    if isinstance(nest, dict) and "node" in nest:
        return [(nest["node"], nest["dims"], nest["leaf"])]
    if isinstance(nest, dict):
        ((_, inner),) = nest.items()
        return [
            x for v in (inner.values() if isinstance(inner, dict) else inner) for x in _leaves(v)
        ]
    return []


def _restored(node: str, value: Tensor, dims: list[list[str]]) -> Tensor:
    from neurosim.ops._layout import restore

    if sum(role == "X" for dim in dims for role in dim) > value.ndim - 2:
        raise CaptureError(
            f"at {node!r}: the model returns steps flattened into other axes, which cannot be told "
            "apart again; average over the steps, or return them as an axis"
        )
    return restore(value, dims)
