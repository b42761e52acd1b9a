"""A user's own neuron, and what is not a neuron."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.capture.capture import capture
from neurosim.capture.recognise import Recognised, find, recognise
from neurosim.errors import CaptureError
from neurosim.ir.neuron import LIF, Neuron
from neurosim.ops._neuron_scan import scan


class Mine(nn.Module):
    """v ← 0.5·v + x; fires above 1; back to 0."""

    def forward(self, x: Tensor, v: Tensor | None = None) -> tuple[Tensor, Tensor]:
        v = x if v is None else 0.5 * v + x
        z = (v > 1).to(x)
        return z, v * (1 - z)


class Named(Mine):
    """The same arithmetic."""

    def extra_repr(self) -> str:
        return "named"


class Doubled(Mine):
    """Another arithmetic."""

    def forward(self, x: Tensor, v: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return super().forward(2 * x, v)


@recognise(Mine)
def mine(module: Mine) -> Neuron:
    return LIF(v_decay=0.5, v_threshold=1.0, fires=">", reset="to_value", v_reset=0.0)


def test_a_users_neuron_is_found_with_the_meaning_of_its_call() -> None:
    x = torch.randn(20, 2, 5, generator=torch.Generator().manual_seed(0))
    known, module, v, out = find(Mine()), Mine(), None, []
    assert isinstance(known, Recognised)
    for slice_ in x:
        z, v = module(slice_, v)
        out.append(z)
    assert torch.equal(scan(known.equation, known.arrays, x)[0], torch.stack(out))
    first = x[0]
    assert v is not None and known.operand((first, v), {}) is first
    assert known.state_in((first, v), {}) == {"v": v} and known.state_in((first,), {}) is None
    assert known.named_results((out[-1], v)) == {"spike": out[-1], "v": v}


def test_a_subclass_counts_when_its_arithmetic_is_the_same() -> None:
    assert find(Named()) is not None
    assert find(Doubled()) is None
    assert find(nn.Linear(2, 2)) is None


def test_fresh_state_is_the_initial_value() -> None:
    known = Recognised(LIF(v_decay=0.5, v_init=0.25))
    assert (
        known.fresh(None)
        and known.fresh({"v": torch.full((2, 3), 0.25)})
        and known.fresh({"v": 0.25})
    )
    assert known.fresh({"v": torch.zeros(0), "spike": torch.zeros(2)})
    assert not known.fresh({"v": torch.zeros(2, 3)}) and not known.fresh({"spike": torch.ones(2)})
    known = Recognised(LIF(v_decay=0.5), {"v_init": np.array([0.0, 1.0], np.float32)})
    assert known.fresh({"v": torch.tensor([[0.0, 1.0]])}) and not known.fresh(
        {"v": torch.zeros(1, 2)}
    )


def test_looking_up_a_module_imports_no_library() -> None:
    code = (
        "import sys, torch; from neurosim.capture.recognise import find; find(torch.nn.ReLU());"
        "heavy = ('norse', 'spikingjelly', 'snntorch', 'sinabs', 'numba');"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Asked(Mine):
    """A neuron whose recogniser is wrong."""

    def forward(self, x: Tensor, v: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return super().forward(x, v)


def forgot(module: Asked) -> None:
    """Returns nothing."""


def stumbles(module: Asked) -> Neuron:
    return LIF(v_decay=module.decay)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("recogniser", "told"),
    [
        (forgot, "at '0' (Asked): its recogniser forgot returned None; return ns.ops.LIF"),
        (lambda m: "lif", "returned a str; return ns.ops.LIF"),
        (lambda m: (LIF(v_decay=0.5), None), "returned a tuple; return ns.ops.LIF"),
        (stumbles, "at '0' (Asked): its recogniser stumbles failed with AttributeError: 'Asked'"),
    ],
)
def test_a_wrong_recogniser_is_named_with_its_module(recogniser, told) -> None:
    recognise(Asked)(recogniser)
    with pytest.raises(CaptureError) as caught:
        capture(nn.Sequential(Asked()).eval(), torch.randn(3, 2, 5))
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_the_names_of_an_own_neuron_are_public() -> None:
    assert ns.Recognised is Recognised and ns.recognise is recognise
