"""snnTorch's Leaky and Synaptic against their equations."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from neurosim.capture.recognise import find
from neurosim.errors import CaptureError

snn = pytest.importorskip("snntorch")


def drive(module: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """As snnTorch's tutorials do: the state goes in and out of every call, unless the module hides
    it."""
    state: tuple[Any, ...] = ()
    out, membranes = [], []
    for slice_ in x:
        if module.init_hidden:
            out.append(module(slice_))
        else:
            spike, *state = module(slice_, *state)
            out.append(spike)
        membranes.append(module.mem)
    return torch.stack(out), torch.stack(membranes)


KINDS = {
    "Leaky": lambda **o: snn.Leaky(beta=0.83, threshold=0.6, **o),
    "Synaptic": lambda **o: snn.Synaptic(alpha=0.71, beta=0.83, threshold=0.6, **o),
}
RESETS = list(itertools.product(("subtract", "zero", "none"), (True, False)))


@pytest.mark.parametrize("mechanism,delay", RESETS)
@pytest.mark.parametrize("kind", KINDS)
def test_neurons_equal_snntorch_bit_for_bit(
    kind: str, mechanism: str, delay: bool, same_as_library: Any
) -> None:
    known = same_as_library(
        lambda: KINDS[kind](reset_mechanism=mechanism, reset_delay=delay), drive
    )
    assert known.equation.fires == ">" and not known.multi_step


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_state(kind: str, same_as_library: Any) -> None:
    known = same_as_library(lambda: KINDS[kind](init_hidden=True), drive)
    module = KINDS[kind](init_hidden=True)
    assert known.fresh(known.held_state(module))
    saved = known.held_state(module)
    module(torch.ones(2, 3))
    assert not known.fresh(known.held_state(module))
    known.restore(module, saved)
    assert known.fresh(known.held_state(module))


def test_learnt_parameters_per_neuron(same_as_library: Any) -> None:
    beta, threshold = torch.linspace(-0.2, 1.3, 40), torch.linspace(0.2, 1.2, 40)
    known = same_as_library(
        lambda: snn.Leaky(beta=beta, threshold=threshold, learn_beta=True), drive
    )
    assert set(known.arrays) == {"v_decay", "v_threshold"}
    assert known.arrays["v_decay"].min() == 0 and known.arrays["v_decay"].max() == 1


def test_meanings_of_what_a_neuron_takes_and_returns() -> None:
    module, x = KINDS["Synaptic"](), torch.ones(2, 3)
    known = find(module)
    assert known is not None
    spike, syn, mem = module(x)
    assert known.named_results((spike, syn, mem)) == {"spike": spike, "i": syn, "v": mem}
    assert known.state_in((x, syn, mem), {}) == {"i": syn, "v": mem}
    assert known.state_in((x,), {"mem": mem}) == {"v": mem}
    fresh = known.state_in((x, *KINDS["Synaptic"]().init_synaptic()), {})
    assert known.fresh(fresh)


@pytest.mark.filterwarnings("ignore:Inhibition")
@pytest.mark.parametrize(
    "option,value",
    [
        ("inhibition", True),
        ("state_quant", abs),
        ("graded_spikes_factor", 2.0),
        ("spike_grad", torch.sigmoid),
    ],
)
def test_options_without_an_equation_are_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(CaptureError, match="surrogate" if option == "spike_grad" else option):
        find(snn.Leaky(beta=0.5, **{option: value}))
