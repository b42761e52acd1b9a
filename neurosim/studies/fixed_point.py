"""A captured graph as a chip without norms per step, or without real numbers, would run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neurosim.errors import GraphError
from neurosim.ir.graph import Graph


def on_chip(
    graph: Graph, chip: str | None = None, average_bn: bool = False, until: Sequence[str] = ()
) -> Graph:
    """Lowered; norms averaged first where asked for, then in the fixed point of ``chip`` (None: as
    it is). ``until``: only these neuron nodes and what they need.

    Raises UnknownName, GraphError: what has no fixed point, in one error.
    """
    from neurosim import passes

    if chip is not None:
        from neurosim.passes._chip_format import format_of

        format_of(chip)
    if average_bn:
        graph = passes.apply(graph, "average_bn")
    graph = passes.lower(graph)
    if until:
        graph = passes.apply(_ending(graph, until), "drop_dead")
    return graph if chip is None else passes.apply(graph, "quantize", chip=chip)


def _ending(graph: Graph, until: Sequence[str]) -> Graph:
    """The graph with these neurons as its outputs."""
    known = [n.name for n in graph.nodes if n.op == "neuron"]
    if unknown := [name for name in until if name not in known]:
        raise GraphError(f"no neuron called {', '.join(unknown)}; known: {', '.join(known)}")
    meta = {k: v for k, v in graph.meta.items() if k != "outputs"}
    return replace(graph, outputs=tuple(until), meta=meta)
