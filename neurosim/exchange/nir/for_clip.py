"""An imported graph made ready for one clip: its steps, and the kind that the clip declares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from neurosim import ops
from neurosim.capture.clip import bounds_of
from neurosim.ir.graph import Graph, Node


def for_clip(graph: Graph, clip: Tensor, kind: str) -> Graph:
    """The graph as if it had been captured with ``clip`` [T, B, …] of that kind; dense figures are
    then those of this clip. Raises ClipError: a kind that the clip is not."""
    said: dict[str, Any] = {"steps": clip.shape[0]}
    if any(n.attrs["kind"] != kind for n in graph.inputs):
        lo, hi = bounds_of(clip, kind, 0, None)
        said |= {"kind": kind, "lo": lo, "hi": hi}
    nodes = tuple(
        replace(n, attrs={**n.attrs, **said}) if n.op == "input" else _untimed(n, clip.shape[0])
        for n in graph.nodes
    )
    meta = {**graph.meta, "kind": kind}
    return ops.build(graph.with_nodes(nodes, steps=clip.shape[0], samples=clip.shape[1], meta=meta))


def _untimed(node: Node, steps: int) -> Node:
    """A guess of a delayed value's type is as long as the clip."""
    return node if node.type is None else replace(node, type=replace(node.type, steps=steps))
