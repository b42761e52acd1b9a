"""Residual additions: kinds and ranges of section 2, one add an element."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from neurosim.sim.simulate import simulate
from tests.ops.graphs import OF_KIND, Operand, built, events, input_node, node, operate, same_counts
from tests.oracles import elementwise, kind_of, other_memory
from tests.oracles.kinds import MASKED, REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL, "masked": MASKED}


@pytest.mark.parametrize(("left", "right"), list(product(KINDS, KINDS)))
@pytest.mark.parametrize("subtract", [False, True])
def test_kinds_values_and_counts(left: str, right: str, subtract: bool) -> None:
    rng = np.random.default_rng(0)
    a, b = OF_KIND[left](rng, 3, 2, 2, 4), OF_KIND[right](rng, 3, 2, 2, 4)
    found = operate("add", a, b, subtract=subtract)
    np.testing.assert_array_equal(found.out, a.n - b.n if subtract else a.n + b.n)
    rule = kind_of("subtract" if subtract else "add", KINDS[left], KINDS[right])
    assert found.type.kind.value == rule.kind and not found.type.masked
    if rule.kind != "real":
        assert (found.type.lo, found.type.hi) == (rule.lo, rule.hi)
    same_counts(found.counts, events(elementwise("residual", 8), other_memory(16, 8)))


def test_scales_must_be_equal() -> None:
    rng = np.random.default_rng(1)
    a, b = OF_KIND["spike"](rng, 2, 2, 4), OF_KIND["spike"](rng, 2, 2, 4)
    half = Operand(a.n, "spike", 0.5)
    assert operate("add", half, b).type.kind.value == "real"
    both = operate("add", half, Operand(b.n, "spike", 0.5))
    assert (both.type.kind.value, both.type.scale, both.type.hi) == ("graded", 0.5, 2)
    np.testing.assert_array_equal(both.out, 0.5 * (a.n + b.n))


def test_broadcast() -> None:
    rng = np.random.default_rng(2)
    a, b = OF_KIND["spike"](rng, 2, 2, 3, 4), OF_KIND["real"](rng, 2, 2, 1, 4)
    found = operate("add", a, b)
    assert found.type.shape == (3, 4) and found.total("add") == 12 * 4
    np.testing.assert_array_equal(found.out, a.n + b.n)


def test_what_cancels_is_not_active_whatever_the_rounding() -> None:
    """n = 7x − 7x is 0 though float32 sums of 7 scaled terms in two orders differ."""
    s = np.random.default_rng(3).random(500).astype(np.float32)
    differ = (((((s + s) + s) + s) + s) + s) + s != ((s + s) + (s + s)) + ((s + s) + s)
    nodes = [input_node((3,), 2), node("x1", "affine", "clip", params={"scale": "s"})]
    nodes += [node(f"x{k}", "add", f"x{k - 1}", "x1") for k in range(2, 8)]
    nodes += [node("four", "add", "x2", "x2"), node("seven", "add", "four", "x3")]
    nodes += [
        node("zero", "add", "x7", "seven", subtract=True),
        node("y", "linear", "zero", params={"weight": "w"}),
    ]
    arrays = {"s": np.array(s[differ][0]), "w": np.ones((4, 3), np.float32)}
    graph = built(nodes, arrays, 2)
    assert graph["zero"].value.kind.value == "graded"
    run = simulate(graph, np.ones((2, 1, 3), np.float32), "dense", record=["zero"])
    assert run.trace["zero"].any()
    assert run.counts.get("y", "graded_synapse") == run.counts.get("y", "activation_read") == 0
