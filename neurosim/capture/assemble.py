"""From folded nodes to a Graph: names, order, parameters keyed by storage."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

import networkx as nx
import numpy as np
import torch
from torch import Tensor, nn

from neurosim.capture import axes
from neurosim.capture.fold import Folded, Id
from neurosim.errors import CaptureError
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.types import Kind, ValueType
from neurosim.ops import build, get

_MAIN = (
    "neuron",
    "convolution",
    "temporal_convolution",
    "linear",
    "batch_norm",
    "layer_norm",
    "pool",
    "upsample",
    "softmax",
    "activation",
)


def assemble(
    folded: list[Folded], root: nn.Module | None, steps: int, samples: int, meta: dict[str, Any]
) -> tuple[Graph, dict[Id, str]]:
    """The graph (without outputs yet) and the name of every folded node."""
    ordered = _ordered(folded)
    names = _names(ordered, root)
    store = Parameters(root)
    nodes = tuple(_node(f, names, store, steps) for f in ordered)
    graph = Graph(nodes, store.arrays, (), steps, samples, meta=meta)
    return build(graph), names


def _ordered(folded: list[Folded]) -> list[Folded]:
    """A topological order of the undelayed edges, near to the order of the code. Raises
    CaptureError."""
    by_id = {f.id: f for f in folded}
    place = {f.id: (f.order, i) for i, f in enumerate(folded)}
    net = nx.DiGraph()
    net.add_nodes_from(by_id)
    for f in folded:
        net.add_edges_from((o.node, f.id) for o in f.operands if not o.delay)
    try:
        return [by_id[i] for i in nx.lexicographical_topological_sort(net, key=lambda i: place[i])]
    except nx.NetworkXUnfeasible:
        raise CaptureError(
            "the loop over time reads a value before it computes it; check its order"
        ) from None


def _names(nodes: list[Folded], root: nn.Module | None) -> dict[Id, str]:
    leaves = (
        {n for n, m in root.named_modules() if not list(m.children())}
        if root is not None
        else set()
    )
    by_path: dict[str, list[Folded]] = defaultdict(list)
    for f in nodes:
        by_path[f.path].append(f)
    taken: set[str] = set()
    found: dict[Id, str] = {}
    for path, members in by_path.items():
        main = _main(members, path in leaves)
        for f in members:
            plain = path if path and f.op == main else f"{path}.{f.op}" if path else f.op
            found[f.id] = _free(plain, "#" if f.op == main else "_", taken)
    return found


def _main(members: list[Folded], leaf: bool) -> str:
    """The operator that takes the module's own name."""
    ops = {f.op for f in members}
    if "neuron" in ops:
        return "neuron"
    return next((op for op in _MAIN if op in ops), "") if leaf else ""


def _free(name: str, mark: str, taken: set[str]) -> str:
    number, free = 0, name
    while free in taken:
        number += 1
        free = f"{name}{mark}{number}"
    taken.add(free)
    return free


def _node(f: Folded, names: dict[Id, str], store: Parameters, steps: int) -> Node:
    role = get(f.op).role
    params = {r: store.key(t, r) for r, t in f.params.items()}
    edges = tuple(
        Edge(names[o.node], o.delay, store.key(o.initial, "initial") if _matters(o.initial) else "")
        for o in f.operands
    )
    attrs = {k: v for k, v in f.attrs.items() if k != "neuron"}
    whole = f.folded or axes.has(f.dims, "T")
    time = next((n for d in f.dims for r, n in d if r == "T"), steps)
    guess = ValueType(axes.slice_shape(f.dims), time if whole else None)
    if role == "neuron" and attrs.get("emit") == "spike" and attrs["equation"]["output"] == "spike":
        guess = ValueType(guess.shape, guess.steps, Kind.SPIKE, 0, 1)
    return Node(names[f.id], f.op, edges, attrs, params, guess, source=f.source)


def _matters(initial: Tensor | None) -> bool:
    return initial is not None and bool(initial.any())


class Parameters:
    """Arrays by key: the name of the parameter that owns the storage, or a hash of the numbers."""

    def __init__(self, root: nn.Module | None) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.owners: dict[int, list[tuple[str, Tensor]]] = defaultdict(list)
        named = [] if root is None else [*root.named_parameters(), *root.named_buffers()]
        for name, tensor in named:
            self.owners[tensor.untyped_storage().data_ptr()].append((name, tensor))

    def key(self, tensor: Tensor | None, role: str) -> str:
        """The key of a tensor, its array stored."""
        assert tensor is not None
        plain = tensor.detach()
        whole = plain.dtype in (torch.int64, torch.bool)
        array = np.ascontiguousarray(
            plain.cpu().numpy() if whole else plain.float().cpu().numpy()
        ).copy()
        name = self._owner(plain) or f"{role}.{_hash(array)}"
        if name in self.arrays and not _same(self.arrays[name], array):
            name = f"{name}.{_hash(array)}"
        self.arrays.setdefault(name, array)
        return name

    def _owner(self, tensor: Tensor) -> str | None:
        for name, owner in self.owners.get(tensor.untyped_storage().data_ptr(), ()):
            if owner.numel() == tensor.numel() and owner.data_ptr() == tensor.data_ptr():
                same = owner.shape == tensor.shape and owner.stride() == tensor.stride()
                return name if same else f"{name}[{'x'.join(map(str, tensor.shape))}]"
        return None


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _hash(array: np.ndarray) -> str:
    return hashlib.sha1(
        array.tobytes() + str(array.shape).encode(), usedforsecurity=False
    ).hexdigest()[:10]
