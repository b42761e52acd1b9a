"""Where arrival masks are needed, and how much memory a step takes."""

from __future__ import annotations

from neurosim.ir.graph import Graph
from neurosim.ops import get


def needs_arrival(graph: Graph) -> frozenset[str]:
    """REAL values whose arrival mask decides which neurons count as active (counting rules, section
    5)."""
    needed: set[str] = set()
    changed = True
    while changed:
        changed = False
        for node in reversed(graph.nodes):
            stops = get(node.op).role in ("weights", "product", "input") or node.name not in needed
            if node.op != "neuron" and stops:
                continue
            for edge in node.inputs:
                if edge.node not in needed and not graph[edge.node].value.discrete:
                    needed.add(edge.node)
                    changed = True
    return frozenset(needed)


def bytes_per_step(graph: Graph, samples: int) -> int:
    """Peak of the float32 values alive at once, for one step, while nodes run in order (clip values
    left out)."""
    last = {e.node: i for i, n in enumerate(graph.nodes) for e in n.inputs}
    alive, peak = 0, 1
    sizes = {
        n.name: 4 * samples * n.value.size if n.value.steps is not None else 0 for n in graph.nodes
    }
    views = {"reshape", "permute", "slice", "expand"}
    ends: dict[int, list[str]] = {}
    for name, i in last.items():
        ends.setdefault(i, []).append(name)
    for i, node in enumerate(graph.nodes):
        alive += 0 if node.op in views else sizes[node.name]
        peak = max(peak, alive + sizes[node.name] // 4)
        for name in ends.get(i, ()):
            alive -= 0 if graph[name].op in views else sizes[name]
    return peak
