"""Surrogates: values at and around the threshold, gradients against the closed form."""

import math

import pytest
import torch

from neurosim.nn.surrogate import ATan, Sigmoid

X = torch.linspace(-2, 2, 41, dtype=torch.float64)


def slope(surrogate) -> torch.Tensor:
    x = X.clone().requires_grad_()
    surrogate(x, ">=").sum().backward()
    return x.grad


@pytest.mark.parametrize("alpha", [0.5, 2.0, 5.0])
def test_atan_gradient_is_the_derivative_of_its_primitive(alpha):
    x = X.clone().requires_grad_()
    (torch.atan(math.pi / 2 * alpha * x) / math.pi + 0.5).sum().backward()
    torch.testing.assert_close(slope(ATan(alpha)), x.grad)


@pytest.mark.parametrize("alpha", [1.0, 4.0])
def test_sigmoid_gradient_is_the_derivative_of_its_primitive(alpha):
    x = X.clone().requires_grad_()
    torch.sigmoid(alpha * x).sum().backward()
    torch.testing.assert_close(slope(Sigmoid(alpha)), x.grad)


@pytest.mark.parametrize("surrogate", [ATan(), Sigmoid()])
@pytest.mark.parametrize("grad", [True, False])
def test_only_the_tie_depends_on_fires(surrogate, grad):
    x = torch.tensor([-1e-30, 0.0, 1e-30])
    with torch.set_grad_enabled(grad):
        assert surrogate(x, ">=").tolist() == [0, 1, 1]
        assert surrogate(x, ">").tolist() == [0, 0, 1]
