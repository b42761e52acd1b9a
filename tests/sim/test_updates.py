"""``neuron_updated`` against a loop over neurons and steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.errors import SimulationError
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import IF, LIF
from tests.ops.graphs import built, input_node

STEPS = 6


def net(weight: np.ndarray, kind: str = "spike", recurrent: bool = False, **neuron: Any) -> Graph:
    """Clip → linear → neurons (and back on themselves)."""
    size = weight.shape[0]
    equation = LIF(v_threshold=2.0, **neuron) if neuron else IF(v_threshold=2.0)
    attrs = {"equation": equation.to_dict(), "emit": "spike"}
    nodes = [input_node((weight.shape[1],), STEPS, kind),
             Node("w", "linear", (Edge("clip"),), {}, {"weight": "w"})]  # fmt: skip
    params = {"w": weight.astype(np.float32)}
    source = "w"
    if recurrent:
        from neurosim.ir.types import ValueType

        params["r"] = np.eye(size, k=-1, dtype=np.float32)
        nodes.append(Node("sum", "add", (Edge("w"), Edge("back", 1))))
        source = "sum"
        nodes.append(Node("n", "neuron", (Edge("sum"),), attrs))
        nodes.append(Node("back", "linear", (Edge("n"),), {}, {"weight": "r"},
                          ValueType((size,), STEPS)))  # fmt: skip
        return built(nodes, params, STEPS, outputs=("n",))
    nodes.append(Node("n", "neuron", (Edge(source),), attrs))
    return built(nodes, params, STEPS)


def by_hand(weight: np.ndarray, clip: np.ndarray, decay: float, zeros_exist: bool) -> int:
    """Updated: the membrane was not 0 before the step, or an event came over a synapse."""
    total = 0
    for sample in range(clip.shape[1]):
        v = np.zeros(len(weight))
        for t in range(STEPS):
            x = clip[t, sample]
            exists = np.ones_like(weight) if zeros_exist else weight != 0
            total += int(((v != 0) | (exists @ (x != 0) > 0)).sum())
            v = decay * v + weight @ x
            v[v > 2.0] = 0.0
    return total


@pytest.mark.parametrize("decay", [1.0, 0.5])
@pytest.mark.parametrize("density", [1.0, 0.2])
def test_equals_the_loop(decay: float, density: float) -> None:
    rng = np.random.default_rng(0)
    weight = rng.integers(1, 4, (7, 9)) * (rng.random((7, 9)) < density) * 0.5
    clip = (rng.random((STEPS, 3, 9)) < 0.15).astype(np.float32)
    graph = net(weight, **({} if decay == 1.0 else {"v_decay": decay}))
    run = ns.simulate(graph, torch.from_numpy(clip), updates=True, record="spikes", chunk=2)
    listed = 2 * int((weight == 0).sum()) > weight.size  # stored as lists, which hold no zeros
    expected = by_hand(weight, clip, decay, not listed)
    assert run.counts.total("neuron_updated") == expected < 7 * 3 * STEPS
    mask = run.trace["n/updated"]
    assert mask.shape == (STEPS, 3, 7) and int(mask.sum()) == expected
    plain = ns.simulate(graph, torch.from_numpy(clip))
    assert not plain.counts.differences(run.counts, ignore=["neuron_updated"])


def test_a_current_of_zero_updates_nobody() -> None:
    """A real path is not an event: what it brings decides."""
    graph = built(
        [input_node((4,), STEPS, "real"),
         Node("n", "neuron", (Edge("clip"),), {"equation": IF(v_threshold=9.0).to_dict()})],
        {}, STEPS,
    )  # fmt: skip
    clip = np.zeros((STEPS, 1, 4), np.float32)
    clip[:, 0, 1], clip[3, 0, 2] = 0.5, 1.0
    run = ns.simulate(graph, torch.from_numpy(clip), updates=True)
    assert run.counts.total("neuron_updated") == STEPS + (STEPS - 3)
    assert run.counts.total("neuron_active") == 4 * STEPS


def test_recurrent_layers_are_counted_too() -> None:
    weight = np.eye(4) * 3.0
    clip = np.zeros((STEPS, 1, 4), np.float32)
    clip[0, 0, 0] = 1.0
    run = ns.simulate(net(weight, recurrent=True), torch.from_numpy(clip), updates=True)
    # neuron 0 in step 0, where it fires; its spike reaches neuron 1 in step 1 and stays there
    assert run.counts.total("neuron_updated") == 1 + 1 + (STEPS - 2)


def test_a_stream_has_none() -> None:
    graph = net(np.ones((2, 3)))
    with pytest.raises(SimulationError, match="updates"):
        ns.simulate(graph, iter([torch.zeros(STEPS, 1, 3)]), updates=True)
