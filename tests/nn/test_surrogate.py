"""Surrogates: values at and around the threshold, gradients against the closed form."""

import math

import pytest
import torch

from neurosim.errors import ModelError
from neurosim.nn.surrogate import NORSE, ATan, Norse, Sigmoid

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


@pytest.mark.parametrize("method", NORSE)
def test_norse_methods_are_norse_s_own(method):
    from norse.torch.functional.threshold import threshold

    x = X.clone().requires_grad_()
    threshold(x, method, 0.7).sum().backward()
    ours = X.clone().requires_grad_()
    z = Norse(method, 0.7)(ours, ">")
    z.sum().backward()
    assert torch.equal(ours.grad, x.grad) and torch.equal(z, (X > 0).double())


def test_norse_knows_no_tie_and_no_other_method():
    with pytest.raises(ModelError, match="above the threshold alone"):
        Norse()(X, ">=")
    with pytest.raises(ModelError, match="no method 'atan'; give super, triangle"):
        Norse("atan")
