"""Constants on an activity: which keep the integers, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.ir.types import Kind
from tests.ops.graphs import OF_KIND, Operand, operate, same_counts
from tests.oracles import kind_of, other_memory
from tests.oracles.kinds import SPIKE


def test_a_scale_keeps_the_integers() -> None:
    x = OF_KIND["graded"](np.random.default_rng(0), 3, 2, 2, 3)
    scale = np.array([[0.5], [-2.0]], np.float32)
    found = operate("affine", x, params={"scale": scale})
    assert (found.type.kind, found.type.lo, found.type.hi) == (Kind.GRADED, -3, 3)
    np.testing.assert_array_equal(np.broadcast_to(found.type.scale, (2, 3))[:, 0], [0.5, -2.0])
    np.testing.assert_array_equal(found.out, x.n * scale)
    same_counts(found.counts, other_memory(6, 6, 2) | {"multiply": 6})


def test_a_scale_of_a_spike_changes_no_count_downstream() -> None:
    x = OF_KIND["spike"](np.random.default_rng(1), 3, 2, 5)
    weight = {"weight": np.ones((4, 5), np.float32)}
    plain = operate("linear", x, params=weight)
    scaled = operate("linear", Operand(x.n, "spike", -3.0), params=weight)
    same_counts(scaled.counts, plain.counts)


@pytest.mark.parametrize("kind", list(OF_KIND))
def test_an_offset_makes_it_real(kind: str) -> None:
    x = OF_KIND[kind](np.random.default_rng(2), 2, 2, 3)
    found = operate("affine", x, params={"bias": np.float32([1, 2, 3])})
    assert found.type.kind is Kind.REAL and not found.type.masked
    np.testing.assert_array_equal(found.out, x.n + np.float32([1, 2, 3]))
    same_counts(found.counts, other_memory(3, 3, 3) | {"add": 3})


def test_one_minus_a_spike_is_a_spike() -> None:
    x = OF_KIND["spike"](np.random.default_rng(3), 2, 2, 3)
    one = {"scale": np.float32(-1), "bias": np.float32(1)}
    found = operate("affine", x, params=one)
    assert found.type.kind.value == kind_of("one_minus", SPIKE).kind == "spike"
    np.testing.assert_array_equal(found.out, 1 - x.n)
    assert (found.total("add"), found.total("multiply")) == (12, 12)
    assert operate("affine", Operand(x.n, "spike", 2.0), params=one).type.kind is Kind.REAL


def test_division_and_zero_scales() -> None:
    x = OF_KIND["spike"](np.random.default_rng(4), 2, 2, 3)
    found = operate("affine", x, params={"scale": np.float32(4)}, divide=True)
    np.testing.assert_array_equal(found.out, x.n / 4)
    assert found.type.kind is Kind.SPIKE and found.type.scale == 0.25
    assert operate("affine", x, params={"scale": np.float32(0)}).type.kind is Kind.REAL


def test_constants_per_step_follow_the_chunks() -> None:
    x = OF_KIND["spike"](np.random.default_rng(5), 5, 2, 2, 3)
    scale = np.arange(1, 11, dtype=np.float32).reshape(5, 2, 1)
    runs = [
        operate("affine", x, params={"scale": scale}, per_step=True, chunk=c) for c in (1, 2, 5)
    ]
    for found in runs:
        np.testing.assert_array_equal(found.out, x.n * scale[:, None])
        same_counts(found.counts, other_memory(6, 6, 2) | {"multiply": 6})
        assert found.type.kind is Kind.SPIKE


def test_a_masked_real_stays_masked_under_a_scale() -> None:
    x = OF_KIND["masked"](np.random.default_rng(6), 2, 2, 3)
    assert operate("affine", x, params={"scale": np.float32(2)}).type.masked
