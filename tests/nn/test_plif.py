"""PLIF against norse's box neuron and SpikingJelly's node, step by step and as a scan."""

import pytest
import torch
from norse.torch.functional.lif_box import (
    LIFBoxFeedForwardState,
    LIFBoxParameters,
    lif_box_feed_forward_step,
)

from neurosim.errors import ModelError
from neurosim.nn.plif import PLIF, PLIFCell, PLIFParameters, plif_scan, plif_step
from neurosim.nn.surrogate import ATan, Sigmoid


def floats(steps: int = 50) -> torch.Tensor:
    return torch.randn(steps, 3, 40, generator=torch.Generator().manual_seed(1)) * 2


def grid(steps: int = 50) -> torch.Tensor:
    """Multiples of 1/8, so that with τ = 2 many membranes land on the threshold itself."""
    return torch.randint(-8, 24, (steps, 3, 40), generator=torch.Generator().manual_seed(2)) / 8


@pytest.mark.parametrize("make", [floats, grid])
@pytest.mark.parametrize("w", [0.0, 0.7, -1.3])
def test_spikes_and_membranes_are_norse_box_lif_bit_by_bit(make, w):
    p = PLIFParameters(torch.tensor(w), fires=">")
    box = LIFBoxParameters(tau_mem_inv=torch.sigmoid(p.w), v_leak=torch.tensor(0.0))
    ours, theirs = None, LIFBoxFeedForwardState(v=torch.tensor(0.0))
    total = 0
    for x in make():
        z, ours = plif_step(x, ours, p)
        z_norse, theirs = lif_box_feed_forward_step(x, theirs, box, dt=1.0)
        assert torch.equal(z, z_norse) and torch.equal(ours.v, theirs.v)
        total += z.sum()
    assert total > 100


@pytest.mark.parametrize("fires", [">=", ">"])
def test_at_threshold(fires):
    p = PLIFParameters(torch.tensor(0.0), fires=fires)
    ulp = 2.0**-22
    z, state = plif_step(torch.tensor([2.0 - ulp, 2.0, 2.0 + ulp]), None, p)
    assert z.tolist() == [0, fires == ">=", 1]
    assert state.v[2] == 0


def test_ties_make_the_two_comparisons_differ():
    w = torch.tensor(0.0)
    at, above = (plif_scan(grid(), None, PLIFParameters(w, fires=f))[0] for f in (">=", ">"))
    assert not torch.equal(at, above)


def test_equals_spikingjelly():
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    node = neuron.ParametricLIFNode(init_tau=3.0, v_reset=-0.25, step_mode="m", detach_reset=True)
    ours = PLIF(tau=3.0, v_reset=-0.25)
    with torch.no_grad():
        assert torch.equal(ours(floats()), node(floats()))


@pytest.mark.parametrize("v_reset", [0.0, -0.5])
@pytest.mark.parametrize("fires", [">=", ">"])
@pytest.mark.parametrize("surrogate", [ATan(), Sigmoid()])
def test_steps_scan_and_module_agree_with_and_without_grad(v_reset, fires, surrogate):
    x, cell = grid(), PLIFCell(3.0, v_reset=v_reset, fires=fires, surrogate=surrogate)
    state, stepped = None, []
    for slice_ in x:
        z, state = cell(slice_, state)
        stepped.append(z)
    module = PLIF(3.0, v_reset=v_reset, fires=fires, surrogate=surrogate)
    assert torch.equal(module(x), torch.stack(stepped))
    with torch.no_grad():
        fast, last = plif_scan(x, None, cell.p)
        assert torch.equal(fast, torch.stack(stepped)) and torch.equal(last.v, state.v)


def test_scan_continues_from_a_state_and_leaves_it_alone():
    x, p = floats(), PLIFParameters(torch.tensor(0.3))
    with torch.no_grad():
        whole, _ = plif_scan(x, None, p)
        first, state = plif_scan(x[:20], None, p)
        before = state.v.clone()
        second, _ = plif_scan(x[20:], state, p)
    assert torch.equal(torch.cat((first, second)), whole) and torch.equal(state.v, before)


def test_state_starts_afresh_on_every_call():
    module, x = PLIF(), floats()
    with torch.no_grad():
        assert torch.equal(module(x), module(x))


def test_gradient_reaches_w_and_stops_at_the_reset():
    x = torch.tensor([3.0, 1.0])[:, None]
    for detach in (True, False):
        p = PLIFParameters(torch.tensor(0.0, requires_grad=True), detach_reset=detach)
        z, _ = plif_scan(x, None, p)
        z[1].sum().backward()
        if detach:  # V is 0 after the spike: dH/dw = σ'(0)·x = 0.25, g'(H - 1) at H = 0.5
            expected = 0.25 / (1 + (torch.pi * -0.5) ** 2)
            assert p.w.grad.item() == pytest.approx(expected)
        else:
            assert p.w.grad.item() != pytest.approx(expected)


@pytest.mark.parametrize(("tau", "fires"), [(1.0, ">="), (float("nan"), ">="), (2.0, "ge")])
def test_impossible_constants_are_one_line(tau, fires):
    with pytest.raises(ModelError, match="^PLIF: .*; give|^PLIF: .*give"):
        PLIF(tau, fires=fires)
