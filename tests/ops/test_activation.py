"""Element-wise functions: torch's values, one compare or one special an element."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.ir.types import Kind
from neurosim.ops.activation import COMPARES, SPECIALS
from tests.ops.graphs import OF_KIND, Operand, events, operate, same_counts
from tests.oracles import elementwise, other_memory

ARGUMENTS = {"clamp": (-0.5, 0.5), "pow": (2,)}


@pytest.mark.parametrize("name", [*COMPARES, *SPECIALS])
def test_values_and_counts(name: str) -> None:
    x = OF_KIND["real"](np.random.default_rng(0), 2, 3, 4)
    x = Operand(np.abs(x.n) + 0.25, "real") if name in ("log", "sqrt", "rsqrt", "reciprocal") else x
    found = operate("activation", x, function=name, arguments=ARGUMENTS.get(name, ()))
    expected = (COMPARES | SPECIALS)[name](torch.from_numpy(x.n), *ARGUMENTS.get(name, ()))
    np.testing.assert_array_equal(found.out, expected.numpy())
    assert found.type.kind is Kind.REAL
    own = {"special": 4} if name in SPECIALS else {"compare": 4}
    if name in ("clamp", "hardtanh", "relu6"):
        own = {"compare": 8}
    if name == "leaky_relu":
        own |= {"multiply": 4}
    same_counts(found.counts, events(own, other_memory(4, 4)))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "gelu"])
def test_arithmetic_is_the_oracles(name: str) -> None:
    x = OF_KIND["real"](np.random.default_rng(0), 1, 1, 6)
    found = operate("activation", x, function=name)
    same_counts(found.counts, events(elementwise(name, 6), other_memory(6, 6)))


def test_a_clamp_of_one_side_compares_once() -> None:
    x = OF_KIND["real"](np.random.default_rng(0), 1, 1, 6)
    found = operate("activation", x, function="clamp", options={"min": 0.0})
    assert found.total("compare") == 6 and found.out.min() == 0


def test_relu_of_integers_stays_discrete() -> None:
    x = OF_KIND["graded"](np.random.default_rng(1), 2, 2, 5)
    kept = operate("activation", x, function="relu").type
    assert (kept.kind, kept.lo, kept.hi) == (Kind.GRADED, 0, 3)
    spike = OF_KIND["spike"](np.random.default_rng(1), 2, 2, 5)
    assert operate("activation", spike, function="relu").type.kind is Kind.SPIKE
    negative = Operand(spike.n, "spike", scale=-1.0)
    assert operate("activation", negative, function="relu").type.kind is Kind.REAL
