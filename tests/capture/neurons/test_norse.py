"""norse's neurons against their equations, and what their calls mean."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neurosim.capture.recognise import find
from neurosim.errors import CaptureError

norse = pytest.importorskip("norse.torch")
from norse.torch.functional.reset import reset_subtract  # noqa: E402
from norse.torch.module.snn import SNNCell  # noqa: E402


def steps(cell: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Drive a cell over the steps, as ``Lift`` does."""
    state, out, membranes = None, [], []
    for slice_ in x:
        z, state = cell(slice_, state)
        out.append(z)
        membranes.append(state.v.expand_as(z))
    return torch.stack(out), torch.stack(membranes)


def layer(module: Any, x: Tensor) -> tuple[Tensor, None]:
    return module(x)[0], None


def p(kind: str, **values: Any) -> Any:
    """Parameters of a norse neuron from numbers."""
    tensors = {k: torch.as_tensor(v) if isinstance(v, float) else v for k, v in values.items()}
    return getattr(norse, f"{kind}Parameters")(**tensors)


LEAK = {"tau_mem_inv": 300.0, "v_leak": 0.1}
FIRE = {"v_th": 0.7, "v_reset": -0.2}
CELLS = {
    "LIFBoxCell": lambda: norse.LIFBoxCell(p("LIFBox", **LEAK, **FIRE)),
    "LIFBoxCell default": lambda: norse.LIFBoxCell(),
    "LIFBoxCell subtract": lambda: norse.LIFBoxCell(
        p("LIFBox", tau_mem_inv=500.0, reset_method=reset_subtract)
    ),
    "LIFCell": lambda: norse.LIFCell(p("LIF", **LEAK, **FIRE, tau_syn_inv=370.0)),
    "LICell": lambda: norse.LICell(p("LI", **LEAK, tau_syn_inv=370.0)),
    "LIBoxCell": lambda: norse.LIBoxCell(p("LIBox", **LEAK)),
    "IAFCell": lambda: norse.IAFCell(p("IAF", **FIRE)),
    "LSNNCell": lambda: norse.LSNNCell(
        p("LSNN", **LEAK, **FIRE, tau_adapt_inv=40.0, beta=0.4, tau_syn_inv=370.0)
    ),
    "LIFCell dt": lambda: norse.LIFCell(dt=0.0013),
}
LAYERS = {
    "LIF": lambda: norse.LIF(p("LIF", **LEAK, **FIRE)),
    "LI": lambda: norse.LI(p("LI", **LEAK)),
    "LSNN": lambda: norse.LSNN(p("LSNN", **LEAK, **FIRE, tau_adapt_inv=40.0, beta=0.4)),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells_equal_norse_bit_for_bit(name: str, same_as_library: Any) -> None:
    known = same_as_library(CELLS[name], steps)
    assert not known.multi_step
    assert known.equation.fires == ("never" if "LI" in name and "LIF" not in name else ">")


@pytest.mark.parametrize("name", LAYERS)
def test_layers_equal_norse_bit_for_bit(name: str, same_as_library: Any) -> None:
    known = same_as_library(LAYERS[name], layer)
    assert known.multi_step and known.time_dim == 0


def test_parameters_of_several_elements_become_arrays(same_as_library: Any) -> None:
    rates, thresholds = torch.linspace(100, 900, 40), torch.linspace(0.3, 1.4, 40)
    known = same_as_library(
        lambda: norse.LIFBoxCell(p("LIFBox", tau_mem_inv=rates, v_th=thresholds)), steps
    )
    assert set(known.arrays) == {"k", "v_threshold"}
    assert known.arrays["k"].dtype == "float32"


def test_meanings_of_what_a_cell_takes_and_returns() -> None:
    cell, x = CELLS["LIFCell"](), torch.ones(2, 3)
    known = find(cell)
    assert known is not None
    z, state = cell(x)
    named = known.named_results((z, state))
    assert named["spike"] is z and named["v"] is state.v and named["i"] is state.i
    assert known.operand((x, None), {}) is x and known.state_in((x, None), {}) is None
    assert known.state_in((x,), {"state": state}) == {"v": state.v, "i": state.i}
    assert known.fresh(cell.initial_state(x)._asdict()) and not known.fresh({"v": state.v})


def test_a_layer_returns_the_last_state() -> None:
    module = LAYERS["LIF"]()
    known = find(module)
    assert known is not None
    assert set(known.named_results(module(torch.ones(4, 2, 3)))) == {"spike", "v_last", "i_last"}
    module.record_states = True
    known = find(module)
    assert known is not None
    assert set(known.named_results(module(torch.ones(4, 2, 3)))) == {"spike", "v", "i"}


RECURRENT = {
    "LIFRecurrentCell": lambda: norse.LIFRecurrentCell(5, 4),
    "LSNNRecurrentCell": lambda: norse.LSNNRecurrentCell(
        5, 4, p("LSNN", **LEAK, **FIRE, tau_adapt_inv=40.0, beta=0.4)
    ),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_cells_are_a_neuron_and_two_synapses(name: str) -> None:
    """With weights of multiples of 1/8 the sum of input and recurrent current is exact in any
    order."""
    from neurosim.ops._neuron_scan import scan

    cell = RECURRENT[name]()
    known = find(cell)
    assert known is not None and known.recurrent_delay == 1
    noise = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in (cell.input_weights, cell.recurrent_weights):
            weight.copy_(torch.randint(-6, 12, weight.shape, generator=noise) / 8)
        assert (
            known.input_weight is cell.input_weights
            and known.recurrent_weight is cell.recurrent_weights
        )
        x = (torch.rand(50, 2, 5, generator=noise) < 0.5).float()
        wanted, _ = steps(cell, x)
        z, state, out = torch.zeros(2, 4), None, []
        for slice_ in x:
            current = slice_ @ known.input_weight.T + z @ known.recurrent_weight.T
            spikes, state = scan(known.equation, known.arrays, current[None], state)
            z = spikes[0]
            out.append(z)
    assert torch.equal(torch.stack(out), wanted) and 0 < wanted.sum() < wanted.numel()


def test_the_linear_leaky_integrator_carries_its_weight() -> None:
    cell = norse.LILinearCell(5, 4)
    known = find(cell)
    assert (
        known is not None
        and known.input_weight is cell.input_weights
        and known.equation.output == "v"
    )


def test_unknown_steps_and_resets_are_refused_by_name() -> None:
    with pytest.raises(CaptureError, match="my_step"):
        find(SNNCell(my_step, norse.LIFCell().initial_state, p("LIF")))
    with pytest.raises(CaptureError, match="reset_method"):
        find(norse.LIFBoxCell(p("LIFBox", reset_method=max)))


def my_step(*_: Any) -> None:
    """A step of the user's own."""


def test_lift_and_sequential_state_leave_the_cells_to_be_found() -> None:
    model = norse.SequentialState(
        norse.Lift(torch.nn.Linear(3, 3)), norse.Lift(norse.LIFCell()), norse.LIF()
    )
    names = [n for n, m in model.named_modules() if find(m) is not None]
    assert names == ["1.lifted_module", "2"]
