"""Parameters as tensors on the device, and arithmetic that takes no short cuts there."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from neurosim.ir.graph import Graph


def prepare(graph: Graph, device: str) -> dict[str, dict[str, Tensor]]:
    """Parameters as tensors by node and role; 2-D kernels in channels-last order, which torch's 1×1
    kernels prefer."""
    shared: dict[tuple[str, bool], Tensor] = {}
    found: dict[str, dict[str, Tensor]] = {}
    for node in graph.nodes:
        found[node.name] = {}
        for role, key in node.params.items():
            kernel = node.op == "convolution" and role == "weight" and graph.params[key].ndim == 4
            if (key, kernel) not in shared:
                tensor = torch.from_numpy(np.ascontiguousarray(graph.params[key])).to(device)
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
