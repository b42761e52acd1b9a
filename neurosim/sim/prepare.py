"""Parameters as tensors on the device, and arithmetic that takes no short cuts there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Graph

Params = dict[str, dict[str, Tensor]]  # node → role → tensor


@dataclass
class Prepared:
    """What a graph's parameters are turned into, kept as long as the graph: tensors by device, and
    what runs of it keep for the next: packed weights, plans and choices."""

    params: dict[str, Params] = field(default_factory=dict[str, Params])
    packed: dict[str, Any] = field(default_factory=dict[str, Any])


_kept: WeakKeyDictionary[Graph, Prepared] = WeakKeyDictionary()


def prepared(graph: Graph) -> Prepared:
    """Of this graph. Its arrays are read-only from here on: a change would go unseen."""
    if graph not in _kept:
        for array in graph.params.values():
            if isinstance(array, np.ndarray):  # no number of numpy's
                array.flags.writeable = False
        _kept[graph] = Prepared()
    return _kept[graph]


def prepare(graph: Graph, device: str) -> Params:
    """Parameters as tensors by node and role, made at the first call."""
    held = prepared(graph).params
    if device not in held:
        held[device] = _tensors(graph, device)
    return held[device]


def _tensors(graph: Graph, device: str) -> Params:
    """2-D kernels in channels-last order, which torch's 1×1 kernels prefer."""
    shared: dict[tuple[str, bool], Tensor] = {}
    found: dict[str, dict[str, Tensor]] = {}
    for node in graph.nodes:
        found[node.name] = {}
        for role, key in node.params.items():
            kernel = node.op == "convolution" and role == "weight" and graph.params[key].ndim == 4
            if (key, kernel) not in shared:
                tensor = torch.from_numpy(np.array(graph.params[key], order="C")).to(device)
                shared[key, kernel] = (
                    tensor.contiguous(memory_format=torch.channels_last) if kernel else tensor
                )
            found[node.name][role] = shared[key, kernel]
    return found


class exact_float32:
    """No TF32 and no autotuned kernels while it lasts."""

    def __enter__(self) -> None:
        cuda = torch.backends.cuda.matmul
        self._before = (
            cuda.allow_tf32,
            torch.backends.cudnn.allow_tf32,
            torch.backends.cudnn.benchmark,
        )
        cuda.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False

    def __exit__(self, *_: object) -> None:
        cuda = torch.backends.cuda.matmul
        cuda.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = (
            self._before
        )
