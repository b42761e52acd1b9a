"""SpikingJelly's nodes against their equations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from neurosim.capture.recognise import find
from neurosim.errors import CaptureError

neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
from spikingjelly.activation_based import surrogate  # noqa: E402


def drive(module: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    module.eval()
    if module.step_mode == "m":
        module.store_v_seq = True
        out = module(x)
        return out, module.v_seq
    out, membranes = [], []
    for slice_ in x:
        out.append(module(slice_))
        membranes.append(module.v)
    return torch.stack(out), torch.stack(membranes)


RESETS = {"hard": {"v_reset": 0.0}, "hard -0.3": {"v_reset": -0.3}, "soft": {"v_reset": None}}
NODES = {
    "IF": (neuron.IFNode, {}),
    "LIF": (neuron.LIFNode, {"tau": 1.7}),
    "LIF no decay": (neuron.LIFNode, {"tau": 2.3, "decay_input": False}),
    "PLIF": (neuron.ParametricLIFNode, {"init_tau": 1.7}),
    "PLIF no decay": (neuron.ParametricLIFNode, {"init_tau": 2.3, "decay_input": False}),
}


@pytest.mark.parametrize("step_mode", ["s", "m"])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("name", NODES)
def test_nodes_equal_spikingjelly_bit_for_bit(
    name: str, reset: str, step_mode: str, same_as_library: Any
) -> None:
    kind, options = NODES[name]
    known = same_as_library(
        lambda: kind(**options, **RESETS[reset], step_mode=step_mode, v_threshold=0.9), drive
    )
    assert known.equation.fires == ">=" and known.multi_step == (step_mode == "m")
    assert known.equation.reset == ("subtract" if reset == "soft" else "to_value")


@pytest.mark.parametrize("name", ["Sigmoid", "ATan", "PiecewiseQuadratic"])
def test_every_surrogate_fires_at_threshold(name: str) -> None:
    known = find(neuron.LIFNode(surrogate_function=getattr(surrogate, name)()))
    assert known is not None and known.equation.fires == ">="


def test_held_state_is_seen_saved_and_restored() -> None:
    node = neuron.LIFNode()
    known = find(node)
    assert known is not None
    saved = known.held_state(node)
    assert known.fresh(saved)
    node(torch.full((2, 3), 0.6))
    assert not known.fresh(known.held_state(node))
    known.restore(node, saved)
    assert known.fresh(known.held_state(node)) and node.v == 0.0


def test_options_without_an_equation_are_refused_by_name() -> None:
    with pytest.raises(CaptureError, match="surrogate"):
        find(neuron.LIFNode(surrogate_function=surrogate.Sigmoid(spiking=False)))


def test_a_subclass_that_changes_the_arithmetic_is_not_recognised() -> None:
    class Doubled(neuron.LIFNode):
        def single_step_functional_forward(self, inputs: Any, states: Any, **kwargs: Any) -> Any:
            return super().single_step_functional_forward((inputs[0] * 2,), states, **kwargs)

    class Named(neuron.LIFNode):
        def extra_repr(self) -> str:
            return "mine"

    assert find(Doubled()) is None
    assert find(Named()) is not None
    assert find(neuron.IzhikevichNode()) is None
