"""The table of kinds, row by row."""

from __future__ import annotations

import pytest

from tests.oracles import kind_of
from tests.oracles.kinds import MASKED, REAL, SPIKE, Value, graded

KINDS = [
    (("neuron", REAL), {}, SPIKE),
    (("neuron", REAL), {"max_spikes": 4}, graded(0, 4)),
    (("permute", graded(-1, 2)), {}, graded(-1, 2)),
    (("zero_pad", graded(1, 2)), {}, graded(0, 2)),
    (("max_pool", SPIKE), {}, SPIKE),
    (("max_pool", SPIKE._replace(scale=-1.0)), {}, REAL),
    (("concat", SPIKE, SPIKE), {}, SPIKE),
    (("concat", SPIKE, graded(-2, 1)), {}, graded(-2, 1)),
    (("concat", SPIKE, SPIKE._replace(scale=2.0)), {}, REAL),
    (("times_constant", SPIKE), {"factor": 0.5}, Value("spike", 0, 1, 0.5)),
    (("add", SPIKE, SPIKE), {}, graded(0, 2)),
    (("subtract", SPIKE, SPIKE), {}, graded(-1, 1)),
    (("add", SPIKE, SPIKE._replace(scale=0.5)), {}, REAL),
    (("add", SPIKE, REAL), {}, REAL),
    (("multiply", SPIKE, SPIKE), {}, SPIKE),
    (("multiply", SPIKE, graded(-3, 2)), {}, graded(-3, 2)),
    (("multiply", graded(-3, 2), graded(-1, 2)), {}, graded(-6, 4)),
    (("multiply", SPIKE, REAL), {}, MASKED),
    (("multiply", graded(0, 2), REAL), {}, REAL),
    (("matmul", SPIKE, SPIKE), {"length": 9}, graded(0, 9)),
    (("matmul", SPIKE, REAL), {"length": 9}, REAL),
    (("one_minus", SPIKE), {}, SPIKE),
    (("one_minus", graded(0, 2)), {}, REAL),
    (("average_pool", SPIKE), {"window": 4}, graded(0, 4, 0.25)),
    (("average_pool", SPIKE), {"window": 4, "constant_divisor": False}, REAL),
    (("sum", graded(-1, 2)), {"length": 3}, graded(-3, 6)),
    (("weights", SPIKE), {}, REAL),
    (("plus_constant", SPIKE), {}, REAL),
]


@pytest.mark.parametrize(("call", "facts", "expected"), KINDS)
def test_kinds(call: tuple, facts: dict, expected: Value) -> None:
    assert kind_of(*call, **facts) == expected
