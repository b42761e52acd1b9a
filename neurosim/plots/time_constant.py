"""The membrane time constant of a neuron's equation, in steps.

A membrane that keeps the share d of itself in a step has the time constant τ = 1 / (1 − d): with
v ← v + k·(x − v), d = 1 − k and τ = 1 / k, which is what a parametric LIF neuron learns
(τ = 1/σ(w), Fang et al., ICCV 2021) and what SVFormer's Figure 3 shows. With d = exp(−1/τ′), as
snnTorch and sinabs write a decay, τ → τ′ + 1/2 where τ′ is long. d = 1 (no leak) has τ = ∞.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.ir.facts import NodeFacts
from neurosim.ir.graph import Graph
from neurosim.plots.span import Span


def time_constant(facts: NodeFacts, graph: Graph | None = None) -> Span | None:
    """τ of a neuron node, its mean and range over the neurons; ``graph`` holds the parameters that
    differ between them.

    None: no equation is known, or a leak that differs between neurons was not kept with the run.
    """
    if "integrate" not in facts.neuron:
        return None
    name = leak_of(facts.neuron)
    held = _array(facts.name, name, graph)
    if held is None and _may_differ(facts, name, graph):
        return None
    values = np.asarray(facts.neuron[name] if held is None else held, np.float64)
    steps = in_steps(name, values)
    return Span(float(steps.mean()), float(steps.min()), float(steps.max()))


def leak_of(equation: Mapping[str, Any]) -> str:
    """The parameter of the equation that the membrane leaks by: v_decay, k or tau."""
    if equation["integrate"] == "decay":
        return "v_decay"
    return "tau" if equation["leak"] == "divide" else "k"


def in_steps(name: str, values: np.ndarray) -> np.ndarray:
    """τ of a v_decay d, 1/(1 − d); of a k, 1/k; of a tau, itself. ∞ without a leak."""
    if name == "tau":
        return values
    leak = 1.0 - values if name == "v_decay" else values
    return np.divide(1.0, leak, out=np.full_like(leak, np.inf), where=leak != 0)


def _array(node: str, name: str, graph: Graph | None) -> np.ndarray | None:
    if graph is None or node not in graph.by_name:
        return None
    key = graph[node].params.get(name)
    return None if key is None else graph.params[key]


def _may_differ(facts: NodeFacts, name: str, graph: Graph | None) -> bool:
    """Whether the equation's number may stand for several: facts hold an array's first element."""
    if graph is not None and facts.name in graph.by_name:
        return False
    if "arrays" in facts.neuron:  # names of the parameters that are arrays
        return name in facts.neuron["arrays"]
    return facts.parameters > 0 and not facts.neuron.get("affine")
