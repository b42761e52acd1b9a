"""Reductions over the steps: the same in any chunks, counted step by step."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.graphs import OF_KIND, Operand, operate, same_counts
from tests.oracles import kind_of
from tests.oracles.kinds import REAL, SPIKE, graded

KINDS = {"spike": SPIKE, "graded": graded(-3, 3), "real": REAL}
STEPS, SIZE = 5, 6


def expected_counts(mode: str) -> dict[str, np.ndarray]:
    """(steps, samples): 1 add (or compare after the first) an element and step; the end writes."""
    each = np.full((STEPS, 2), SIZE)
    last = each * (np.arange(STEPS) == STEPS - 1)[:, None]
    after_first = each * (np.arange(STEPS) > 0)[:, None]
    own = {
        "sum": {"add": each},
        "mean": {"add": each, "multiply": last},
        "max": {"compare": after_first},
    }
    return own[mode] | {"activation_read": each, "activation_write": last}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_values_kinds_and_counts(kind: str, mode: str, chunk: int) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), STEPS, 2, 2, 3)
    found = operate("time_reduce", x, mode=mode, chunk=chunk)
    whole = operate("time_reduce", x, mode=mode)
    np.testing.assert_array_equal(found.out, whole.out)  # bit for bit in any chunks
    np.testing.assert_allclose(found.out, getattr(np, mode)(x.n, 0), rtol=1e-5, atol=1e-6)
    assert found.type.steps is None and found.type.shape == (2, 3)
    rule = KINDS[kind] if mode == "max" else kind_of("sum", KINDS[kind], length=STEPS)
    assert found.type.kind.value == rule.kind
    if rule.kind != "real":
        assert (found.type.lo, found.type.hi) == (rule.lo, rule.hi)
    same_counts(found.counts, expected_counts(mode))


@pytest.mark.parametrize("step", [0, 3, -1])
@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_one_step(step: int, chunk: int) -> None:
    x = OF_KIND["spike"](np.random.default_rng(1), STEPS, 2, 4)
    found = operate("time_reduce", x, mode="at", step=step, chunk=chunk)
    np.testing.assert_array_equal(found.out, x.n[step])
    assert found.type.kind.value == "spike"
    same_counts(found.counts, {})


@pytest.mark.parametrize("step", [-2, -5])
def test_a_step_before_the_last_from_the_end(step: int) -> None:
    x = OF_KIND["spike"](np.random.default_rng(2), STEPS, 2, 4, rate=0.5)
    for chunk in (1, 2, 3, 5):
        found = operate("time_reduce", x, mode="at", step=step, chunk=chunk)
        np.testing.assert_array_equal(found.out, x.n[step])


def test_what_reads_the_result_counts_in_the_last_step() -> None:
    x = OF_KIND["spike"](np.random.default_rng(3), STEPS, 2, 4)
    found = operate(
        "linear",
        Operand(x.n, "spike", clip=True),
        params={"weight": np.ones((3, 4), np.float32)},
        chunk=2,
    )
    assert found.counts["synapse"][:-1].sum() == 0
    np.testing.assert_array_equal(found.counts["synapse"][-1], 3 * x.n[0].sum(1))
