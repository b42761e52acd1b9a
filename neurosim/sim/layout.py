"""Between the model's own tensors and (steps, samples, *shape): the captured axis roles, applied
and undone.

``Graph.meta["input_layout"]``: a role per axis of the clip: "T", "B" or "X". ``meta["outputs"]``:
the nest that the model
returned, its leaves {"node": name, "dims": [[…], …]}: per axis, the roles it folds, outermost
first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.errors import ClipError
from neurosim.ir.graph import Graph
from neurosim.ops._layout import restore


def to_slices(graph: Graph, clip: Any) -> Tensor:
    """The clip as float32 (steps, samples, *shape). Raises ClipError: not a tensor, or too few
    axes."""
    if isinstance(clip, np.ndarray):
        clip = torch.from_numpy(np.ascontiguousarray(clip))
    if not isinstance(clip, Tensor):
        raise ClipError(
            f"the clip is a {type(clip).__name__}; give a torch tensor or a numpy array"
        )
    layout = list(graph.meta.get("input_layout", ["T", "B"] + ["X"] * (clip.ndim - 2)))
    if clip.ndim != len(layout):
        raise ClipError(
            f"the clip has {clip.ndim} axes, the graph was captured with {len(layout)} "
            f"({', '.join(layout)}); "
            "add or drop an axis"
        )
    data = clip.detach().to(torch.float32)
    if "T" not in layout:
        data, layout = data.unsqueeze(0), ["T", *layout]
    if "B" not in layout:
        data, layout = data.unsqueeze(0), ["B", *layout]
    order = [layout.index("T"), layout.index("B"), *(i for i, r in enumerate(layout) if r == "X")]
    return data.permute(order)


def from_slices(graph: Graph, values: Mapping[str, Tensor]) -> Any:
    """What the model would have returned. Without a recorded nest: one tensor, or a tuple."""
    nest = graph.meta.get("outputs")
    if nest is None:
        found = tuple(
            values[o] if graph[o].value.steps is not None else values[o][0] for o in graph.outputs
        )
        return found[0] if len(found) == 1 else found
    return _rebuild(nest, values)


def _rebuild(nest: Any, values: Mapping[str, Tensor]) -> Any:
    if isinstance(nest, Mapping) and "node" in nest:
        return restore(values[nest["node"]], nest["dims"])
    if isinstance(nest, Mapping) and "dict" in nest:
        return {k: _rebuild(v, values) for k, v in nest["dict"].items()}
    if isinstance(nest, Mapping) and "tuple" in nest:
        return tuple(_rebuild(v, values) for v in nest["tuple"])
    if isinstance(nest, Mapping) and "list" in nest:
        return [_rebuild(v, values) for v in nest["list"]]
    return None
