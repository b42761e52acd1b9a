"""Small graphs for the exchange's tests."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np

from neurosim.ir.graph import Graph, Node
from neurosim.ir.neuron import Neuron
from tests.ops.graphs import built, input_node, node

STEPS = 5


def program(*nodes: tuple[str, Any], edges: tuple[tuple[str, str], ...] = ()) -> Any:
    """A nir.NIRGraph: a chain of the nodes, or ``edges``."""
    names = [name for name, _ in nodes]
    return nir.NIRGraph(
        dict(nodes), list(edges) or list(zip(names, names[1:], strict=False)), type_check=False
    )


def layer(made: Any, size: int = 3) -> Any:
    """Input → one node → Output, over ``size`` numbers."""
    shape = np.array([size])
    return program(("input", nir.Input(shape)), ("it", made), ("output", nir.Output(shape)))


def lone(neuron: Neuron, size: int = 3, **arrays: np.ndarray) -> Graph:
    """A clip of ``size`` numbers into one neuron population."""
    keys = {role: f"n.{role}" for role in arrays}
    params = {keys[role]: np.asarray(a, np.float32) for role, a in arrays.items()}
    nodes = [
        input_node((size,), STEPS, "real"),
        node("n", "neuron", "clip", params=keys, equation=neuron.to_dict(), emit="spike"),
    ]
    return built(nodes, params, STEPS)


def chain(*nodes: Node, shape: tuple[int, ...] = (2, 4, 4), **params: np.ndarray) -> Graph:
    """A clip, then nodes that read one another by name."""
    return built([input_node(shape, STEPS, "real"), *nodes], params, STEPS)
