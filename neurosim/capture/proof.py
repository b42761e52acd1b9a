"""Runs the folded graph on the clips that the model got, neurons held to what they really emitted,
and compares.

Every neuron's own spikes and every output must be the model's: nothing else proves a folding.
Spikes may differ where a membrane lies within rounding of the threshold (sums in another order), in
at most one of a thousand neuron-steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from neurosim.errors import CaptureError
from neurosim.ir.graph import Graph
from neurosim.ops._interpret import interpret

MAX_FLIPS = 1e-3
RELATIVE = 1e-3


def prove(
    graph: Graph, clip: Tensor, emitted: dict[str, Tensor], returned: dict[int, Tensor]
) -> None:
    """Raise CaptureError naming the first node that does not do what the model did."""
    values, computed = interpret(graph, clip, emitted, frozenset(graph.outputs), fused=True)
    for name, own in computed.items():
        _check(graph, name, own, emitted[name])
    for node, dims, leaf in _leaves(graph.meta["outputs"]):
        found = _restored(values[node], dims)
        _compare(graph, node, found, returned[leaf])


def _check(graph: Graph, name: str, own: Tensor, real: Tensor) -> None:
    if own.shape != real.shape:
        raise CaptureError(
            f"at {name!r}: the graph computes {tuple(own.shape)}, the model {tuple(real.shape)}"
        )
    if graph[name].value.discrete:
        flips = float((own != real).float().mean()) if own.numel() else 0.0
        if flips > max(MAX_FLIPS, 3 / max(1, own.numel())):
            _fail(graph, name, f"{100 * flips:.2g} % of its spikes differ from the model's")
        return
    _compare(graph, name, own, real)


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
        f"{what}; the loop, a state "
        "or a write in place was not understood; please simplify it there"
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


def _restored(value: Tensor, dims: list[list[str]]) -> Tensor:
    from neurosim.ops._layout import restore

    return restore(value, dims)
