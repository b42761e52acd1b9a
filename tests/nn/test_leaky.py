"""The twin's product against its recurrence, in both layouts."""

import pytest
import torch

from neurosim.errors import ModelError
from neurosim.nn._layout import channels_last
from neurosim.nn.leaky import LeakyReLU


def stepped(layer, x):
    v, out = torch.zeros_like(x[0]), []
    for slice_ in x:
        v = v + (slice_ - v) * torch.sigmoid(layer.membrane.w)
        out.append(torch.relu(v))
    return torch.stack(out)


@pytest.mark.parametrize("layout", [lambda x: x, channels_last])
def test_value_and_gradient_are_those_of_the_recurrence(layout):
    x = torch.randn(6, 2, 3, 4, 5)
    found = []
    for run in (LeakyReLU.forward, stepped):
        layer, x_ = LeakyReLU(3.0), layout(x.clone()).requires_grad_()
        y = run(layer, x_)
        (y * torch.linspace(-1, 1, y.numel()).view(y.shape)).sum().backward()
        found.append((y.detach(), x_.grad, layer.membrane.w.grad))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert LeakyReLU(3.0).membrane.tau == pytest.approx(3.0)


@pytest.mark.parametrize("layout", [lambda x: x, channels_last])
def test_without_a_gradient_it_is_the_recurrence_itself(layout):
    layer, x = LeakyReLU(3.0), layout(torch.randn(6, 2, 3, 4, 5))
    with torch.no_grad():
        assert torch.equal(layer(x), stepped(layer, x))


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad])
def test_the_layout_stays(mode):
    x = channels_last(torch.randn(4, 2, 3, 5, 5))
    with mode():
        assert LeakyReLU()(x).stride() == x.stride()


def test_an_impossible_time_constant():
    with pytest.raises(ModelError, match="above 1 step"):
        LeakyReLU(1.0)
