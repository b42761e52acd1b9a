"""SEW-ResNet against SpikingJelly's."""

from __future__ import annotations

import pytest
import torch

from neurosim import models
from neurosim.errors import ModelError
from tests.models.peers import hand_over, loud, spikingjelly
from tests.models.small import clip, small, statistics


@pytest.mark.parametrize("block", ["basic", pytest.param("bottleneck", marks=pytest.mark.slow)])
def test_it_is_spikingjellys(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = spikingjelly("model.sew_resnet", monkeypatch)
    functional, neuron = (spikingjelly(m, monkeypatch) for m in ("functional", "neuron"))
    kind = peer.BasicBlock if block == "basic" else peer.Bottleneck
    theirs = peer.SEWResNet(kind, [2, 1, 1, 1], 10, cnf="ADD", spiking_neuron=neuron.IFNode)
    functional.set_step_mode(theirs, "m")
    loud(theirs)
    statistics(theirs.eval())
    ours = models.load("sew_resnet_34", block=block, layers=(2, 1, 1, 1), classes=10)
    hand_over(theirs, ours)
    x = clip(samples=2).double()
    with torch.no_grad():
        found, expected = ours.double()(x), theirs.double()(x).mean(0)
    assert expected.abs().sum() > 0
    torch.testing.assert_close(found, expected)


def test_residuals_are_sums_of_spikes() -> None:
    seen: list[torch.Tensor] = []
    model = small("sew_resnet_34")
    model.layer1.register_forward_hook(lambda _m, _i, out: seen.append(out))
    with torch.no_grad():
        model(clip())
    assert set(seen[0].unique().tolist()) == {0, 1, 2, 3}


def test_mistakes_are_one_line() -> None:
    with pytest.raises(ModelError, match="block is 'wide'; give basic or bottleneck"):
        models.load("sew_resnet_34", block="wide")
    with pytest.raises(ModelError, match=r"expects a clip \[T, B, 3, H, W\], got \[4, 3, 32, 32\]"):
        small("sew_resnet_34")(torch.zeros(4, 3, 32, 32))
