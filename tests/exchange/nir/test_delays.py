"""Recurrent edges carry one step; Delay nodes theirs; what no rule cuts is refused."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.errors import NirError
from tests.exchange.nir.graphs import program
from tests.exchange.nir.test_inline import TWO, linear

DT = 2.0**-10


def fire() -> Any:
    return nir.IF(r=np.full(2, 1 / DT), v_threshold=np.full(2, 0.5))


def ends() -> tuple[tuple[str, Any], tuple[str, Any]]:
    return ("input", nir.Input(TWO)), ("output", nir.Output(TWO))


def run(graph: Any, clip: list[float]) -> list[float]:
    """The first neuron's output, for the same input to both."""
    x = torch.tensor(clip).reshape(-1, 1, 1).expand(-1, 1, 2)
    return ns.simulate(graph, x, "dense").outputs[:, 0, 0].tolist()


def test_a_layer_hears_itself_one_step_late() -> None:
    entry, exit_ = ends()
    made = program(
        entry, ("lif", fire()), ("rec", linear(1)), exit_,
        edges=(("input", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")),
    )  # fmt: skip
    graph = ns.from_nir(made, dt=DT)
    assert [(e.node, e.delay) for e in graph["rec"].inputs] == [("lif", 1)]
    assert run(graph, [1, 0, 0, 0]) == [1, 1, 1, 1]  # one spike keeps itself alive
    assert run(graph, [0, 1, 0, 0]) == [0, 1, 1, 1]


def test_two_layers_hear_each_other_forward_now_and_back_later() -> None:
    entry, exit_ = ends()
    made = program(
        entry, ("a", fire()), ("ab", linear(1)), ("b", fire()), ("ba", linear(1)), exit_,
        edges=(
            ("ba", "a"), ("input", "a"), ("a", "ab"), ("ab", "b"), ("b", "ba"), ("b", "output"),
        ),
    )  # fmt: skip
    graph = ns.from_nir(made, dt=DT)
    late = {(e.node, n.name) for n in graph for e in n.inputs if e.delay}
    assert late == {("b", "ba")}
    assert run(graph, [1, 0, 0]) == [1, 1, 1]


def test_a_neuron_that_reads_itself() -> None:
    entry, exit_ = ends()
    edges = (("input", "a"), ("a", "a"), ("a", "output"))
    graph = ns.from_nir(program(entry, ("a", fire()), exit_, edges=edges), dt=DT)
    assert run(graph, [1, 0, 0]) == [1, 1, 1]
    assert run(ns.from_nir(ns.to_nir(graph)), [1, 0, 0]) == [1, 1, 1]


def test_a_delay_in_the_loop_is_the_only_one() -> None:
    entry, exit_ = ends()
    made = program(
        entry, ("a", fire()), ("wait", nir.Delay(np.full(2, 3 * DT))), exit_,
        edges=(("input", "a"), ("a", "wait"), ("wait", "a"), ("a", "output")),
    )  # fmt: skip
    graph = ns.from_nir(made, dt=DT)
    assert run(graph, [1, 0, 0, 0, 0, 0, 0]) == [1, 0, 0, 1, 0, 0, 1]
    back = ns.from_nir(ns.to_nir(graph))
    assert run(back, [1, 0, 0, 0, 0, 0, 0]) == [1, 0, 0, 1, 0, 0, 1]


def test_a_delay_of_nothing_does_not_cut_a_loop_twice() -> None:
    entry, exit_ = ends()
    made = program(
        entry, ("a", fire()), ("wait", nir.Delay(np.zeros(2))), exit_,
        edges=(("input", "a"), ("a", "wait"), ("wait", "a"), ("a", "output")),
    )  # fmt: skip
    assert run(ns.from_nir(made, dt=DT), [1, 0, 0]) == [1, 1, 1]


def test_elements_wait_differently_long() -> None:
    entry, exit_ = ends()
    made = program(entry, ("wait", nir.Delay(np.array([0, 2 * DT]))), exit_)
    graph = ns.from_nir(made, dt=DT)
    x = torch.arange(1.0, 5.0).reshape(-1, 1, 1).expand(-1, 1, 2)
    for g in (graph, ns.from_nir(ns.to_nir(graph))):
        out = ns.simulate(g, x, "dense").outputs[:, 0]
        assert out.tolist() == [[1, 0], [2, 0], [3, 1], [4, 2]]


def test_loops_that_no_rule_cuts() -> None:
    entry, exit_ = ends()
    edges = (("input", "w"), ("w", "v"), ("v", "w"), ("w", "output"))
    with pytest.raises(NirError, match="the loop .* has no neuron and no delay"):
        ns.from_nir(program(entry, ("w", linear(1)), ("v", linear(1)), exit_, edges=edges))
    mixed = program(
        entry, ("a", fire()), ("w", linear(1)), ("b", fire()), exit_,
        edges=(
            ("input", "a"), ("a", "w"), ("w", "a"), ("w", "b"), ("b", "w"), ("b", "output"),
        ),
    )  # fmt: skip
    with pytest.raises(NirError, match="both forward and back"):
        ns.from_nir(mixed, dt=DT)


@pytest.mark.parametrize("seconds", [0.5 * DT, -DT])
def test_a_delay_between_two_steps(seconds: float) -> None:
    entry, exit_ = ends()
    with pytest.raises(NirError, match="at 'wait' .Delay.: a delay of .* whole number of steps"):
        ns.from_nir(program(entry, ("wait", nir.Delay(np.full(2, seconds))), exit_), dt=DT)


def test_elements_of_a_loop_wait_differently_long() -> None:
    entry, exit_ = ends()
    made = program(
        entry, ("wait", nir.Delay(np.array([DT, 2 * DT]))), ("a", fire()), exit_,
        edges=(("input", "a"), ("a", "wait"), ("wait", "a"), ("a", "output")),
    )  # fmt: skip
    graph = ns.from_nir(made, dt=DT)
    x = torch.tensor([1.0, 0, 0, 0, 0]).reshape(-1, 1, 1).expand(-1, 1, 2)
    for g in (graph, ns.from_nir(ns.to_nir(graph))):
        out = ns.simulate(g, x, "dense").outputs[:, 0]
        assert out.T.tolist() == [[1, 1, 1, 1, 1], [1, 0, 1, 0, 1]]
