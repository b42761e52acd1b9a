"""Graphs in graphs, written out flat."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.errors import NirError
from tests.exchange.nir.graphs import program

TWO = np.array([2])


def linear(factor: float) -> Any:
    return nir.Linear(np.eye(2, dtype=np.float32) * factor)


def nested() -> Any:
    """Input → [Input → ×2 → [Input → ×3 → Output] → Output] → Output."""
    deep = program(("i", nir.Input(TWO)), ("w", linear(3)), ("o", nir.Output(TWO)))
    inner = program(
        ("in", nir.Input(TWO)), ("w", linear(2)), ("deep", deep), ("out", nir.Output(TWO))
    )
    return program(("input", nir.Input(TWO)), ("sub", inner), ("output", nir.Output(TWO)))


def test_a_graph_in_a_graph_in_a_graph() -> None:
    graph = ns.from_nir(nested())
    assert [n.name for n in graph.nodes] == ["input", "sub.w", "sub.deep.w"]
    assert torch.equal(
        ns.simulate(graph, torch.ones(1, 1, 2), "dense").outputs, torch.full((1, 1, 2), 6.0)
    )


def test_a_file_of_it(tmp_path: Any) -> None:
    nir.write(tmp_path / "a.nir", nested())
    assert str(ns.from_nir(tmp_path / "a.nir")) == str(ns.from_nir(nested()))


def test_edges_that_cannot_be() -> None:
    edges = (("input", "w"), ("w", "output"))
    nodes = (("input", nir.Input(TWO)), ("w", linear(1)), ("output", nir.Output(TWO)))
    with pytest.raises(NirError, match="twice: input → w"):
        ns.from_nir(program(*nodes, edges=(*edges, edges[0])))
    with pytest.raises(NirError, match="no node 'x'"):
        ns.from_nir(program(*nodes, edges=(*edges, ("x", "w"))))
    with pytest.raises(NirError, match="nothing leads there"):
        ns.from_nir(program(*nodes, ("lost", linear(1)), edges=edges))


def test_a_graph_with_two_ways_in() -> None:
    inner = program(
        ("a", nir.Input(TWO)), ("b", nir.Input(TWO)), ("o", nir.Output(TWO)),
        edges=(("a", "o"), ("b", "o")),
    )  # fmt: skip
    with pytest.raises(NirError, match="2 Input nodes"):
        ns.from_nir(program(("input", nir.Input(TWO)), ("sub", inner)))


@pytest.mark.parametrize("count", [0, 2])
def test_a_clip_goes_into_one_input(count: int) -> None:
    nodes = [(f"i{k}", nir.Input(TWO)) for k in range(count)]
    with pytest.raises(NirError, match=f"{count} Input nodes"):
        ns.from_nir(
            program(
                *nodes,
                ("w", linear(1)),
                ("o", nir.Output(TWO)),
                edges=(*((n, "w") for n, _ in nodes), ("w", "o")),
            )  # fmt: skip
        )
