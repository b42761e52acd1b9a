"""Axes in another order; a per-channel scale goes along."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from neurosim.sim.simulate import simulate
from tests.ops.graphs import OF_KIND, built, input_node, node, operate, same_counts


@pytest.mark.parametrize("kind", list(OF_KIND))
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_values_and_kinds(kind: str, order: tuple[int, ...]) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 2, 2, 2, 3, 4)
    found = operate("permute", x, order=order)
    np.testing.assert_array_equal(found.out, x.n.transpose(0, 1, *(i + 2 for i in order)))
    assert found.type.shape == found.out.shape[2:]
    assert found.type.kind.value == {"masked": "real"}.get(kind, kind)
    same_counts(found.counts, {})


def test_a_scale_per_channel_moves_with_its_channel() -> None:
    x = OF_KIND["spike"](np.random.default_rng(1), 2, 1, 2, 3)
    graph = built(
        [
            input_node((2, 3), 2),
            node("s", "affine", "clip", params={"scale": "s"}),
            node("p", "permute", "s", order=(1, 0)),
            node("y", "add", "p", "p"),
        ],
        {"s": np.float32([[0.5], [2.0]])},
        2,
    )
    run = simulate(graph, x.n, "dense", record="all")
    np.testing.assert_array_equal(graph["p"].value.scale, np.broadcast_to([0.5, 2.0], (3, 2)))
    assert graph["y"].value.kind.value == "graded"
    np.testing.assert_array_equal(
        run.trace["y"] / graph["y"].value.scale, 2 * x.n.transpose(0, 1, 3, 2)
    )
