"""The grid condition of counting.md, section 1.2, measured on a run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim import passes
from neurosim.errors import GraphError
from neurosim.ir.graph import Graph, Node
from neurosim.ops import get
from neurosim.ops._value import Call, Value
from neurosim.passes._span import is_power_of_two
from neurosim.passes.snap_weights import power_of_two
from neurosim.sim.simulate import prepare, simulate
from tests.ops.graphs import built, input_node, node
from tests.passes.networks import RandomNet, body, captured, clip, conv, neuron, norm


def finest(values: np.ndarray) -> float:
    """The largest power of two that divides every value."""
    found = values[values != 0].astype(np.float64).ravel()
    mantissa, exponent = np.frexp(found)
    units = np.round(np.ldexp(mantissa, 24)).astype(np.int64)
    lowest = np.log2((units & -units).astype(np.float64)) + exponent - 24
    return float(2.0 ** lowest.min()) if len(found) else 1.0


def check_grid(graph: Graph, x: np.ndarray) -> int:
    """Σ|w||x| + |b| < 2^24·g at every weight node, g the grid that w·x and b lie on."""
    run = simulate(graph, x, "dense", record="all")
    params, checked = prepare(graph, "cpu"), 0
    for n in graph.nodes:
        if get(n.op).role != "weights":
            continue
        operand = graph[n.inputs[0].node]
        data = torch.from_numpy(np.abs(run.trace[operand.name]).astype(np.float32))
        data = data if operand.value.steps is not None else data[None]
        roles = {r: p.abs() for r, p in params[n.name].items()}
        most = get(n.op).run(Call(n, (Value(data, operand.value.real()),), roles, {})).max()
        stored = {r: graph.params[k] for r, k in n.params.items()}
        grid = finest(stored["weight"]) * finest(data.numpy())
        if "bias" in stored:
            grid = min(grid, finest(stored["bias"]))
        assert float(most) < 2**24 * grid, n.name
        checked += 1
    return checked


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_on_the_grid_before_and_after_lowering(seed: int) -> None:
    graph = passes.snap_weights(RandomNet(seed).graph())
    assert check_grid(graph, clip(seed)) > 1
    assert check_grid(passes.lower(graph), clip(seed)) > 1
    assert body(passes.snap_weights(graph)).count("<") == body(graph).count("<")


@pytest.mark.parametrize("name", ["svformer_tiny", "dvs_conv"])
def test_the_zoo_on_the_grid(name: str) -> None:
    graph, x = captured(name)
    assert check_grid(passes.snap_weights(graph), x) >= 2


def test_norms_become_powers_of_two() -> None:
    rng = np.random.default_rng(0)
    params = {"bn.var": rng.uniform(0.1, 5, (1, 3)), "bn.weight": rng.uniform(0.3, 3, (1, 3))}
    params |= {"bn.mean": rng.normal(size=(1, 3)), "bn.bias": rng.normal(size=(1, 3))}
    held = {k: v.astype(np.float32) for k, v in params.items()}
    graph = passes.snap_weights(
        built([input_node((3, 4), 5), norm("bn", "clip"), neuron("n", "bn")], held, 5)
    )
    stored = {r: graph.params[k] for r, k in graph["bn"].params.items()}
    alpha = stored["weight"] / np.sqrt(stored["var"])
    assert all(is_power_of_two(float(a)) for a in alpha.ravel()) and graph["bn"].attrs["eps"] == 0
    np.testing.assert_allclose(alpha, held["bn.weight"] / np.sqrt(held["bn.var"] + 1e-5), rtol=1.01)
    for role in ("mean", "bias"):
        np.testing.assert_array_equal(stored[role] * 256, np.round(stored[role] * 256))


def test_power_of_two() -> None:
    found = power_of_two(np.array([0.0, 1.0, 0.7, -3.1, 1e-3]))
    np.testing.assert_array_equal(found, [0, 1, 0.5, -4, 2.0**-10])


def test_a_large_payload_takes_bits_from_the_weights() -> None:
    weight = {"w": np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)}
    few, many = (
        passes.snap_weights(
            built(
                [
                    input_node((64,), 5, "graded", 0, hi),
                    node("fc", "linear", "clip", params={"weight": "w"}),
                ],
                weight,
                5,
            )
        )
        for hi in (3, 2**16)
    )
    bits = [
        np.abs(g.params["fc.weight.snapped"]).max() / finest(g.params["fc.weight.snapped"])
        for g in (few, many)
    ]
    assert bits[0] > 64 > bits[1]


def test_no_grid() -> None:
    nodes: list[Node] = [input_node((512, 3, 3), 2)]
    last = "clip"
    for i in range(4):
        nodes.append(conv(f"c{i}", last, {"weight": "w"}, padding=(1, 1)))
        last = f"c{i}"
    weight = np.random.default_rng(0).normal(size=(512, 512, 3, 3)).astype(np.float32)
    with pytest.raises(GraphError, match="at 'c.': no grid makes its sums exact; clip the payload"):
        passes.snap_weights(built(nodes, {"w": weight}, 2), bits=2)
