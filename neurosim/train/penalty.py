"""Synaptic operations of a forward, exact, and with a gradient.

SynOps = Σ over weight nodes, Σ over their discrete inputs of fan-out(element)·[element active]: the
fan-outs are those of ``ops`` (counting rules, section 3), and a spike carries its surrogate's
gradient, so the sum has one too. A graded payload counts once whatever its size; its gradient is
that of the payload. Products of two activities are not SynOps and are not in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurosim.errors import TrainError
from neurosim.ir.graph import Graph, Node
from neurosim.ir.types import Kind
from neurosim.ops._fan_out import fan_out_map

_WEIGHTS = ("linear", "convolution", "temporal_convolution")


@dataclass
class SynapticOperations:
    """Listens to the layers of ``module`` that take spikes, as the captured ``graph`` knows them.

    Raises TrainError: no layer takes spikes, or one is not a module of its own.
    """

    graph: Graph
    module: nn.Module
    maps: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    _sums: list[Tensor] = field(default_factory=list[Tensor])
    _dense: int = 0

    def __post_init__(self) -> None:
        for node in self.graph.nodes:
            source = self.graph[node.inputs[0].node] if node.inputs else None
            if node.op in _WEIGHTS and source is not None and source.value.discrete:
                self._check(node)
                weight = self.graph.params[node.params["weight"]].shape
                spread = fan_out_map(node, self.graph.steps, source.value.shape, weight)
                self.maps[node.name] = torch.from_numpy(spread).float()
        if not self.maps:
            raise TrainError(
                f"energy_weight: no layer of {self.graph.meta.get('model', 'the model')} takes "
                "spikes; set it to 0"
            )

    def _check(self, node: Node) -> None:
        try:
            self.module.get_submodule(node.name)
        except AttributeError:
            raise TrainError(
                f"energy_weight: {node.name!r} is not a layer of its own that can be listened to; "
                "make it a module, called once a step, or set energy_weight to 0"
            ) from None

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """Sum up the forwards inside; an earlier sum is forgotten."""
        self._sums, self._dense = [], 0
        hooks = [
            self.module.get_submodule(name).register_forward_pre_hook(self._hook(name))
            for name in self.maps
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def total(self) -> Tensor:
        """SynOps of all clips of the forward that was listened to."""
        return torch.stack(self._sums).sum()

    def share(self) -> Tensor:
        """SynOps over those of a clip in which every element is active: a fan-out-weighted rate."""
        return self.total() / self._dense

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        node = self.graph[name]
        value = self.graph[node.inputs[0].node].value
        scale = torch.as_tensor(np.asarray(value.scale, np.float32))

        def hook(layer: nn.Module, args: tuple[Any, ...]) -> None:
            x = _sample_last(args[0], node, len(value.shape))
            spread = self.maps[name].to(x.device)
            units = x if value.uniform and value.scale == 1.0 else x / scale.to(x.device)
            active = units if value.kind is Kind.SPIKE else _once(units, value.lo)
            self._sums.append((active.sum(0) * spread).sum(dtype=torch.float64))
            self._dense += round(float(spread.sum()) * x.numel() / spread.numel())

        return hook


def _once(units: Tensor, lowest: int) -> Tensor:
    """1 for every active element."""
    return (units.abs() if lowest < 0 else units).clamp(max=1.0)


def _sample_last(x: Tensor, node: Node, axes: int) -> Tensor:
    """What a layer got, with its slices' own axes last: (N, *shape), or (B, T, *shape)."""
    return x.movedim(2, 1) if node.op == "temporal_convolution" else x.flatten(0, -axes - 1)
