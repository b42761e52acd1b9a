"""The fused scan: the spikes of T steps, bit for bit; their gradient, to rounding."""

import pytest
import torch

from neurosim.nn._plif_scan import fits
from neurosim.nn.plif import PLIF, PLIFParameters, plif_scan
from neurosim.nn.surrogate import NORSE, ATan, Norse, Sigmoid

ALL = [(ATan(1.5), ">="), (Sigmoid(), ">="), (ATan(), ">"), *((Norse(m, 0.7), ">") for m in NORSE)]


def both(surrogate, fires, detach, v_reset=0.0, shape=(16, 3, 700), threads=1):
    g = torch.Generator().manual_seed(0)
    x, out = torch.randn(shape, generator=g) * 2, torch.randn(shape, generator=g)
    found = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    for scan in ("fused", "steps"):
        w, x_ = torch.tensor(0.3, requires_grad=True), x.clone().requires_grad_()
        p = PLIFParameters(w, 0.5, v_reset, fires, surrogate, detach)
        z, state = plif_scan(x_, None, p, scan)
        (z * out).sum().backward()
        found.append((z.detach(), state.v.detach(), x_.grad, w.grad))
    torch.set_num_threads(before)
    return found


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize(("surrogate", "fires"), ALL)
def test_spikes_bit_by_bit_and_gradients_to_rounding(surrogate, fires, detach):
    fused, steps = both(surrogate, fires, detach)
    assert torch.equal(fused[0], steps[0]) and torch.equal(fused[1], steps[1])
    torch.testing.assert_close(fused[2], steps[2], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(fused[3], steps[3], rtol=1e-5, atol=1e-5)
    assert 0.05 < steps[0].mean() < 0.6 and steps[2].abs().max() > 0.1


def test_another_reset_value():
    fused, steps = both(ATan(), ">=", False, v_reset=-0.4)
    assert torch.equal(fused[0], steps[0])
    torch.testing.assert_close(fused[2], steps[2], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(fused[3], steps[3], rtol=1e-5, atol=1e-5)


def test_the_number_of_threads_changes_no_bit():
    shape = (8, 4, 40_000)  # more than two threads' worth
    one, two = (both(Norse(), ">", True, shape=shape, threads=n)[0] for n in (1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_any_memory_layout():
    x = torch.randn(5, 4, 3, 6).transpose(1, 3)
    layer = PLIF(surrogate=Norse(), fires=">")
    x.requires_grad_()
    z = layer(x)
    layer.scan = "steps"
    assert torch.equal(z, layer(x)) and z.shape == x.shape


def test_what_does_not_fit_is_stepped():
    p = PLIFParameters(torch.tensor(0.0))
    assert fits(torch.zeros(2, 3), p)
    assert not fits(torch.zeros(2, 3, dtype=torch.float64), p)
    assert not fits(torch.zeros(2, 3), p._replace(w=torch.zeros(3)))
    assert not fits(torch.zeros(2, 3), p._replace(surrogate=lambda x, fires: x))
