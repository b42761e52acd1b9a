"""The clip: its active elements are counted when it was declared discrete."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.sim.simulate import simulate
from tests.ops.graphs import OF_KIND, built, input_node, node


@pytest.mark.parametrize("kind", ["spike", "graded", "real"])
@pytest.mark.parametrize("chunk", [1, 3])
def test_input_events(kind: str, chunk: int) -> None:
    x = OF_KIND[kind](np.random.default_rng(0), 3, 2, 4, 2)
    graph = built(
        [
            input_node(
                (4, 2), 3, kind, -3 if kind == "graded" else 0, 3 if kind == "graded" else 1
            ),
            node("y", "reshape", "clip", shape=(8,)),
        ],
        {},
        3,
        2,
    )
    run = simulate(graph, x.n, "dense", chunk=chunk)
    assert graph["clip"].value.kind.value == kind
    if kind == "real":
        assert run.counts.events() == ()
    else:
        np.testing.assert_array_equal(
            run.counts.array("clip", "input_event"), np.count_nonzero(x.n, (2, 3)).T
        )
