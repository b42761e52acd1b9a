"""Neurons without learnable parameters, against their equations and SpikingJelly's nodes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.errors import ModelError
from neurosim.nn.lif import IF, LIF
from tests.nn.test_plif import floats, grid


def by_hand(x: np.ndarray, gain: float, leak: float, threshold: float) -> np.ndarray:
    """v ← leak·v + gain·x in float32, one neuron at a time; exact for powers of two."""
    spikes = np.zeros_like(x)
    for n in np.ndindex(*x.shape[1:]):
        v = np.float32(0)
        for t in range(len(x)):
            v = np.float32(np.float32(leak) * v + np.float32(gain) * x[(t, *n)])
            if v >= threshold:
                spikes[(t, *n)], v = 1, np.float32(0)
    return spikes


@pytest.mark.parametrize("threshold", [0.5, 1.0])
def test_both_against_their_equations(threshold: float) -> None:
    x = grid(20)[:, :1, :9]
    for layer, gain, leak in ((LIF(v_threshold=threshold), 0.5, 0.5), (IF(threshold), 1.0, 1.0)):
        spikes = layer(x)
        np.testing.assert_array_equal(spikes, by_hand(x.numpy(), gain, leak, threshold))
        assert 0 < spikes.sum() < spikes.numel()


@pytest.mark.parametrize("layer", [LIF(), IF()])
def test_fires_at_the_threshold_and_starts_afresh(layer: torch.nn.Module) -> None:
    x = torch.tensor([[1.0, 2.0, 2.0 - 2**-22]])
    expected = [0, 1, 0] if isinstance(layer, LIF) else [1, 1, 1]
    assert layer(x)[0].tolist() == layer(x)[0].tolist() == expected


@pytest.mark.parametrize("layer", [LIF(), IF()])
def test_nothing_is_learnt_and_gradients_flow(layer: torch.nn.Module) -> None:
    x = grid(6).requires_grad_()
    spikes = layer(x)
    spikes.sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    assert not list(layer.parameters()) and not layer.state_dict()
    with torch.no_grad():
        assert torch.equal(spikes, layer(x))


@pytest.mark.parametrize("x", [floats(), grid()])
def test_equal_spikingjelly(x: torch.Tensor) -> None:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    pairs = ((LIF(), neuron.LIFNode(tau=2.0, step_mode="m")), (IF(), neuron.IFNode(step_mode="m")))
    for ours, theirs in pairs:
        with torch.no_grad():
            assert torch.equal(ours(x), theirs(x))


def test_a_time_constant_of_one_step_is_refused() -> None:
    with pytest.raises(ModelError, match="tau is 1.0"):
        LIF(tau=1.0)
