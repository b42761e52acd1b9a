"""Linear: torch's values, brute-force counts, exactness of large counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from neurosim import ops
from neurosim.errors import GraphError
from neurosim.ir.types import Kind
from neurosim.ops._value import Call, Value
from tests.ops.graphs import OF_KIND, Operand, built, input_node, node, operate, same_counts
from tests.oracles import linear_counts


@pytest.mark.parametrize("kind", list(OF_KIND))
@pytest.mark.parametrize(("rows", "bias"), [((), True), ((3,), False), ((2, 3), True)])
def test_values_counts_and_macs(kind: str, rows: tuple[int, ...], bias: bool) -> None:
    rng = np.random.default_rng(len(rows))
    x = OF_KIND[kind](rng, 3, 2, *rows, 5)
    weight = rng.integers(-2, 3, (4, 5)).astype(np.float32)
    params = {"weight": weight} | ({"bias": np.arange(4, dtype=np.float32)} if bias else {})
    found = operate("linear", x, params=params)
    expected = F.linear(*(torch.from_numpy(a) for a in (x.n, weight)))
    expected = expected + torch.arange(4.0) if bias else expected
    np.testing.assert_allclose(found.out, expected.numpy(), rtol=1e-5, atol=1e-6)
    assert found.type.shape == (*rows, 4) and found.type.kind is Kind.REAL
    same_counts(found.counts, linear_counts(x.n, kind, weight, bias))
    with FlopCounterMode(display=False) as flops:
        torch.from_numpy(x.n.reshape(-1, 5)) @ torch.from_numpy(weight.T.copy())
    assert 2 * sum(found.graph.dense_macs().values()) == flops.get_total_flops()
    assert found.facts.fan_out == (4, 4.0, 4) and found.facts.fan_in == 5


def test_stored_zeros_are_counted_at_their_sources() -> None:
    weight = np.array([[1, 0], [2, 3], [0, 0]], np.float32)
    n = np.array([[[1, 0]], [[0, 1]], [[1, 1]]], np.float32)
    found = operate("linear", Operand(n), params={"weight": weight})
    assert found.counts["synapse_zero"][:, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(("rows", "fan"), [(2**24 + 1, 3), (65_537, 70_001)])
def test_counts_are_exact_past_two_to_the_24_and_32(rows: int, fan: int) -> None:
    graph = built(
        [input_node((rows, 1), 1), node("y", "linear", "clip", params={"weight": "w"})],
        {"w": np.ones((fan, 1), np.float32)},
        1,
    )
    y = graph["y"]
    x = Value(torch.ones(1).expand(1, 1, rows, 1), graph["clip"].value)
    out = Value(torch.zeros(1).expand(1, 1, rows, fan), y.value)
    counts = ops.get("linear").count(Call(y, (x,), {"weight": torch.ones(fan, 1)}, {}), out)
    assert int(counts["synapse"].item()) == int(counts["weight_read"].item()) == rows * fan
    assert int(counts["activation_read"].item()) == rows


def test_graded_units_are_exact_past_two_to_the_24() -> None:
    # Σ|n| = 2^24 − 1 + 2^23 + 1: no float32 holds every partial sum
    n = np.array([[[2**24 - 1, 2**23 + 1, -3]]], np.float32)
    found = operate(
        "linear", Operand(n, "graded"), params={"weight": np.ones((257, 3), np.float32)}
    )
    assert found.total("graded_unit") == (2**24 - 1 + 2**23 + 1 + 3) * 257
    assert found.total("graded_synapse") == 3 * 257


def test_wrong_features_are_named() -> None:
    with pytest.raises(GraphError, match="'y'.*expects 3 input features"):
        built(
            [input_node((4,), 1), node("y", "linear", "clip", params={"weight": "w"})],
            {"w": np.ones((2, 3), np.float32)},
            1,
        )
