"""``neuron_updated`` against a loop over neurons and steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from benchmarks.chip_networks import ChipNetwork, Group, Link, graph_of
from benchmarks.chip_networks import clip as clip_of
from neurosim.errors import SimulationError
from neurosim.ir.fixed_point import BIAS, FixedPoint
from neurosim.ir.graph import Edge, Graph, Node
from neurosim.ir.neuron import IF, LIF
from neurosim.ir.order import units
from neurosim.ir.types import ValueType
from neurosim.sim import cycle
from tests.ops.graphs import built, input_node
from tests.sim import loops

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


@pytest.mark.parametrize("late", loops.PLACES)
@pytest.mark.parametrize("decay", [1.0, 0.5])
@pytest.mark.parametrize("density", [1.0, 0.25])
def test_loops_equal_the_loop_over_neurons_and_steps(
    late: str, decay: float, density: float
) -> None:
    params, clip = loops.weights(3, density=density), loops.clip(3, rate=0.1)
    graph = loops.loop(params, late, decay)
    expected = loops.by_hand(params, clip.numpy(), late, decay)
    assert 0 < expected["updated"].mean() < 1 and expected["fired"].sum() > 5
    for engine, chunk in (("event", None), ("dense", 4), ("event", 1)):
        run = ns.simulate(graph, clip, engine, record="spikes", updates=True, chunk=chunk)
        np.testing.assert_array_equal(run.trace["n"], expected["fired"])
        np.testing.assert_array_equal(run.trace["n/updated"], expected["updated"])
        assert run.counts.total("neuron_updated") == expected["updated"].sum()


def populations() -> ChipNetwork:
    """Two planes that feed each other by convolutions, one of them itself and a vector, which feeds
    back to them.
    """
    rng = np.random.default_rng(5)
    bias = rng.integers(0, 30, (1, 5, 4)) * (rng.random((1, 5, 4)) < 0.5)
    groups = (Group("in", (1, 5, 4), 60, (0,), bias), Group("a", (2, 5, 4), 9, (0,)),
              Group("b", (1, 5, 4), 7, (0,)), Group("c", (7,), 12, (0,)))  # fmt: skip
    planes = [("in", "a", 2, 1), ("a", "b", 1, 2), ("b", "a", 2, 1), ("a", "a", 2, 2)]
    links = [
        Link(s, t, rng.integers(-3, 5, (out, given, 3, 3)), "conv", 1, 1)
        for s, t, out, given in planes
    ]
    links += [Link("a", "c", rng.integers(-1, 3, (7, 40))), Link("c", "b", _few(rng, 20, 7))]
    return ChipNetwork("populations", groups, tuple(links), 30)


def _few(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(1, 5, shape) * (rng.random(shape) < 0.2)


def test_populations_in_a_ring_are_those_of_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, clip = graph_of(populations()), clip_of(populations())
    (unit,) = [u for u in units(graph) if u.cycle]
    assert {"a", "b", "c"} < {n.name for n in unit.nodes}
    given = torch.from_numpy(clip)
    how = {"engine": "dense", "record": "spikes", "updates": True}
    fast = [ns.simulate(graph, given, chunk=c, **how) for c in (None, 7)]  # type: ignore[arg-type]
    seen = fast[0].counts
    assert (
        0 < seen.total("neuron_updated") < seen.total("neuron_active") + seen.total("neuron_idle")
    )
    assert all(seen.get(n, "spike") >= 10 for n in "abc")
    monkeypatch.setattr(cycle, "in_order", lambda unit, goes_on: None)
    slow = ns.simulate(graph, given, **how)  # type: ignore[arg-type]
    for run in fast:
        assert not run.counts.differences(slow.counts)
        for name, value in slow.trace.values.items():
            np.testing.assert_array_equal(run.trace[name], value)


def test_whole_numbers_decay_to_nothing_and_a_bias_counts() -> None:
    """Loihi's integers: a small membrane is cut off to 0, which updates nobody."""
    fixed = FixedPoint(u_decay=4096, v_decay=2048, threshold=10_000, input_shift=0)
    attrs = {"equation": LIF(v_decay=0.5, fixed_point=fixed).to_dict()}
    bias = np.array([0, 0, 6], np.float32)
    nodes = [input_node((3,), 9), Node("w", "linear", (Edge("clip"),), {}, {"weight": "w"}),
             Node("n", "neuron", (Edge("w"),), attrs, {BIAS: "b"})]  # fmt: skip
    weight = np.diag([5, 1, 1]).astype(np.float32)
    clip = np.zeros((9, 1, 3), np.float32)
    clip[1] = 1.0
    graph = built(nodes, {"w": weight, "b": bias}, 9)
    for chunk in (None, 2):
        run = ns.simulate(graph, torch.from_numpy(clip), updates=True, record="n", chunk=chunk)
        updated = run.trace["n/updated"][:, 0].T
        # 5 in step 1, then 2, 1, 0: updated in steps 1 to 4; 1 in step 1, then 0; the bias: always
        assert updated.tolist() == [
            [0, 1, 1, 1, 1, 0, 0, 0, 0],
            [0, 1, 1, 0, 0, 0, 0, 0, 0],
            [1] * 9,
        ]
