"""Our own PLIF against its equation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neurosim.capture.recognise import find
from neurosim.nn.leaky import LeakyIntegrator
from neurosim.nn.lif import IF, LIF
from neurosim.nn.plif import PLIF, PLIFCell

OPTIONS = [{}, {"tau": 1.3, "v_threshold": 0.7, "v_reset": -0.25}, {"fires": ">"}]


def steps(cell: PLIFCell, x: Tensor) -> tuple[Tensor, Tensor]:
    state, out, membranes = None, [], []
    for slice_ in x:
        z, state = cell(slice_, state)
        out.append(z)
        membranes.append(state.v)
    return torch.stack(out), torch.stack(membranes)


@pytest.mark.parametrize("options", OPTIONS)
def test_the_cell_and_the_layer_equal_their_equation(
    options: dict[str, Any], same_as_library: Any
) -> None:
    known = same_as_library(lambda: PLIFCell(**options), steps)
    assert known.equation.fires == options.get("fires", ">=") and not known.multi_step
    known = same_as_library(lambda: PLIF(**options), lambda module, x: (module(x), None))
    assert known.multi_step and known.time_dim == 0


@pytest.mark.parametrize("make", [LIF, IF, lambda: LIF(3.0, 0.5), lambda: IF(0.5)])
def test_neurons_without_parameters_equal_their_equations(make: Any, same_as_library: Any) -> None:
    known = same_as_library(make, lambda module, x: (module(x), None))
    assert known.equation.fires == ">=" and known.multi_step
    assert known.equation.v_threshold == make().v_threshold


def test_meanings_of_what_the_cell_takes_and_returns() -> None:
    cell, x = PLIFCell(), torch.ones(2, 3)
    known = find(cell)
    assert known is not None
    z, state = cell(x)
    assert known.named_results((z, state)) == {"spike": z, "v": state.v}
    assert known.state_in((x, state), {}) == {"v": state.v} and known.state_in((x,), {}) is None


def test_the_twin_s_membrane_equals_its_equation(same_as_library: Any) -> None:
    known = same_as_library(lambda: LeakyIntegrator(3.0), lambda module, x: (module(x), None))
    assert known.equation.fires == "never" and known.multi_step
