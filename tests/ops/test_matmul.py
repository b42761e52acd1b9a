"""Products of two activities: every combination of kinds against brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from neurosim import ops
from neurosim.errors import GraphError
from neurosim.ops._value import Call, Value
from tests.ops.graphs import OF_KIND, Operand, built, input_node, node, operate, same_counts
from tests.oracles import kind_of, product_counts
from tests.oracles.kinds import MASKED, REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL, "masked": MASKED}


@pytest.mark.parametrize(("left", "right"), list(product(OF_KIND, OF_KIND)))
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_kinds_values_counts_and_macs(left: str, right: str, lead: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(lead))
    a = OF_KIND[left](rng, 3, 2, *lead, 4, 5)
    b = OF_KIND[right](rng, 3, 2, *lead, 5, 3)
    found = operate("matmul", a, b)
    np.testing.assert_allclose(found.out, a.n @ b.n, rtol=1e-5, atol=1e-5)
    rule = kind_of("matmul", KINDS[left], KINDS[right], length=5)
    assert found.type.kind.value == rule.kind and not found.type.masked
    assert found.type.kind.value == "real" or (found.type.lo, found.type.hi) == (rule.lo, rule.hi)
    same_counts(found.counts, product_counts(a.n, left, b.n, right))
    with FlopCounterMode(display=False) as flops:
        torch.matmul(torch.from_numpy(a.n), torch.from_numpy(b.n))
    assert 2 * found.graph.dense_macs()["y"] == flops.get_total_flops()


@pytest.mark.parametrize("kinds", [("spike", "spike"), ("graded", "real"), ("real", "spike")])
@pytest.mark.parametrize("heads", [(3, 1), (1, 3)])
def test_a_broadcast_operand_is_read_once(kinds: tuple[str, str], heads: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    a = OF_KIND[kinds[0]](rng, 2, 2, heads[0], 2, 4)
    b = OF_KIND[kinds[1]](rng, 2, 2, heads[1], 4, 5)
    found = operate("matmul", a, b)
    left, right = np.broadcast_to(a.n, (2, 2, 3, 2, 4)), np.broadcast_to(b.n, (2, 2, 3, 4, 5))
    expected = product_counts(left, kinds[0], right, kinds[1])
    reads = [
        np.full((2, 2), x.n[0, 0].size) if x.kind == "real" else np.count_nonzero(x.n, (2, 3, 4))
        for x in (a, b)
    ]
    same_counts(found.counts, expected | {"activation_read": reads[0] + reads[1]})


@pytest.mark.parametrize(("left", "right"), list(product(OF_KIND, OF_KIND)))
@pytest.mark.parametrize("role", ["keep_out", "keep_left"])
def test_masked_pairs_count_nothing(left: str, right: str, role: str) -> None:
    rng = np.random.default_rng(5)
    a, b = OF_KIND[left](rng, 3, 2, 2, 4, 5), OF_KIND[right](rng, 3, 2, 2, 5, 3)
    keep = rng.random((4, 3) if role == "keep_out" else (4, 5)) < 0.6
    found = operate("matmul", a, b, params={role: keep})
    same_counts(found.counts, product_counts(a.n, left, b.n, right, **{role: keep}))
    assert found.facts.existing_macs == 3 * 2 * keep.sum() * (5 if role == "keep_out" else 3)
    assert found.facts.dense_macs == 3 * 2 * 4 * 5 * 3


def test_scales_multiply_and_change_no_count() -> None:
    rng = np.random.default_rng(3)
    a, b = OF_KIND["spike"](rng, 2, 1, 3, 4), OF_KIND["graded"](rng, 2, 1, 4, 2)
    scaled = operate("matmul", Operand(a.n, "spike", 0.5), Operand(b.n, "graded", -0.25, (-3, 3)))
    assert scaled.type.scale == -0.125
    same_counts(scaled.counts, product_counts(a.n, "spike", b.n, "graded"))


def test_a_clip_operand_meets_every_step() -> None:
    rng = np.random.default_rng(4)
    a, b = OF_KIND["spike"](rng, 3, 2, 2, 4), OF_KIND["spike"](rng, 3, 2, 4, 3)
    found = operate("matmul", a, Operand(b.n, "spike", clip=True))
    same_counts(found.counts, product_counts(a.n, "spike", np.repeat(b.n[:1], 3, 0), "spike"))


def test_products_are_exact_past_two_to_the_32() -> None:
    m, k, n = 4099, 1031, 1033  # all active: m·k·n = 4,365,546,577 > 2^32, odd
    graph = built(
        [
            input_node((m, k), 1),
            node("b", "reshape", "clip", shape=(m, k)),
            node("t", "permute", "b", order=(1, 0)),
            node("y", "matmul", "clip", "t"),
        ],
        {},
        1,
    )
    spike = graph["clip"].value
    a = Value(torch.ones(1, 1, m, k), spike)
    b = Value(torch.ones(1, 1, k, n), spike.with_shape(k, n))
    out = Value(torch.zeros(1, 1, 1, 1).expand(1, 1, m, n), spike.with_shape(m, n))
    counts = ops.get("matmul").count(Call(graph["y"], (a, b), {}, {}), out)
    assert int(counts["coincidence"].item()) == m * k * n
    assert int(counts["fanout_left"].item()) == int(counts["fanout_right"].item()) == m * k * n


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(GraphError, match="'y'.*cannot multiply"):
        built([input_node((2, 3), 1), node("y", "matmul", "clip", "clip")], {}, 1)
