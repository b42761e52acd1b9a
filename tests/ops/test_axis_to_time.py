"""An axis of a clip value becomes the steps again."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.sim.simulate import simulate
from tests.ops.graphs import OF_KIND, built, input_node, node, ran, same_counts


@pytest.mark.parametrize("kind", ["spike", "real"])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_back_and_forth_is_the_identity(kind: str, axis: int) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 4, 2, 3, 5)
    graph = built(
        [
            input_node((3, 5), 4, kind),
            node("a", "time_to_axis", "clip", axis=axis),
            node("y", "axis_to_time", "a", axis=axis),
        ],
        {},
        4,
        2,
    )
    found = ran(graph, simulate(graph, x.n, "dense", chunk=3, record=["y"]), "y")
    assert (found.type.steps, found.type.shape, found.type.kind.value) == (4, (3, 5), kind)
    np.testing.assert_array_equal(found.out, x.n)
    same_counts(found.counts, {})


def test_other_axes_change_place() -> None:
    x = OF_KIND["graded"](np.random.default_rng(1), 4, 2, 3, 5)
    graph = built(
        [
            input_node((3, 5), 4, "graded", -3, 3),
            node("a", "time_to_axis", "clip", axis=2),
            node("y", "axis_to_time", "a", axis=0),
        ],
        {},
        4,
        2,
    )
    found = ran(graph, simulate(graph, x.n, "dense", record=["y"]), "y")
    assert (found.type.steps, found.type.shape, found.type.lo) == (3, (5, 4), -3)
    np.testing.assert_array_equal(found.out, x.n.transpose(2, 1, 3, 0))
