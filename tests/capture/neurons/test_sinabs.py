"""sinabs' layers against their equations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neurosim.capture.recognise import find
from neurosim.errors import CaptureError

layers = pytest.importorskip("sinabs.layers")
from sinabs.activation import MaxSpike, MembraneReset, MembraneSubtract, SingleSpike  # noqa: E402


def drive(module: Any, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """(T, B, …) in, (B, T, …) inside."""
    module.record_states = True
    out = module(x.transpose(0, 1)).transpose(0, 1)
    return out, module.recordings["v_mem"].transpose(0, 1)


LAYERS = {
    "IAF": lambda: layers.IAF(),
    "IAF one spike": lambda: layers.IAF(spike_fn=SingleSpike, spike_threshold=torch.tensor(0.7)),
    "IAF at most 2": lambda: layers.IAF(spike_fn=MaxSpike(2), spike_threshold=torch.tensor(0.3)),
    "IAF reset": lambda: layers.IAF(reset_fn=MembraneReset(), min_v_mem=-0.4),
    "IAF minimum": lambda: layers.IAF(min_v_mem=-0.7, spike_threshold=torch.tensor(0.9)),
    "IAF current": lambda: layers.IAF(tau_syn=3.0),
    "LIF": lambda: layers.LIF(tau_mem=4.0, spike_threshold=torch.tensor(0.4)),
    "LIF raw input": lambda: layers.LIF(
        tau_mem=4.0, norm_input=False, reset_fn=MembraneSubtract(0.9)
    ),
    "LIF current": lambda: layers.LIF(tau_mem=4.0, tau_syn=2.5, spike_threshold=torch.tensor(0.3)),
    "LIF alphas": lambda: layers.LIF(
        tau_mem=4.0, tau_syn=2.5, train_alphas=True, spike_threshold=torch.tensor(0.3)
    ),
    "ExpLeak": lambda: layers.ExpLeak(tau_mem=4.0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_equal_sinabs_bit_for_bit(name: str, same_as_library: Any) -> None:
    known = same_as_library(LAYERS[name], drive)
    assert known.multi_step and known.time_dim == 1
    assert known.equation.fires == ("never" if name == "ExpLeak" else ">=")


def test_time_constants_per_neuron(same_as_library: Any) -> None:
    known = same_as_library(
        lambda: layers.LIF(tau_mem=torch.linspace(1, 30, 40), norm_input=False), drive
    )
    assert set(known.arrays) == {"v_decay"}


def test_several_spikes_a_step() -> None:
    known = find(layers.IAF())
    assert known is not None and known.equation.max_spikes is None
    known = find(LAYERS["IAF at most 2"]())
    assert known is not None and known.equation.max_spikes == 2


def test_squeezed_layers_say_how_samples_and_steps_are_merged() -> None:
    known = find(layers.IAFSqueeze(batch_size=3))
    assert known is not None and known.squeezed == (3, -1)
    known = find(layers.LIFSqueeze(num_timesteps=4, tau_mem=5.0))
    assert known is not None and known.squeezed == (-1, 4)


def test_held_state_is_seen_saved_and_restored() -> None:
    layer = LAYERS["LIF current"]()
    known = find(layer)
    assert known is not None
    saved = known.held_state(layer)
    assert set(saved) == {"v", "i"} and known.fresh(saved)
    layer(torch.full((2, 3, 4), 0.3))
    assert not known.fresh(known.held_state(layer))
    known.restore(layer, saved)
    assert known.fresh(known.held_state(layer))


def test_options_without_an_equation_are_refused_by_name() -> None:
    with pytest.raises(CaptureError, match="reset_fn"):
        find(layers.IAF(reset_fn=MembraneReset(0.1)))
    with pytest.raises(CaptureError, match="spike_fn"):
        find(layers.IAF(spike_fn=torch.sign))
    with pytest.raises(CaptureError, match="min_v_mem"):
        find(layers.ExpLeak(tau_mem=4.0, min_v_mem=-1.0))
    assert find(layers.IAFRecurrent(rec_connect=torch.nn.Linear(4, 4))) is None
