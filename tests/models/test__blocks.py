"""What all families share: videos of any length and size, a voice before training, gradients."""

from __future__ import annotations

import pytest
import torch

from neurosim.errors import ModelError
from neurosim.models._blocks import NormedConv, per_frame
from neurosim.nn.lif import IF, LIF
from tests.models.small import FAMILIES, clip, small

OTHERS = [name for name in FAMILIES if name not in ("sdt_8_512", "sew_resnet_50")]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_video_of_any_length_and_size_in_one_frame_a_step(name: str) -> None:
    model = small(name)
    with torch.no_grad():
        for steps, size in ((1, 32), (5, 48)):
            assert model(clip(steps, samples=2, size=size)).shape == (2, 10)


@pytest.mark.parametrize(
    "name", ["sdt_8_512", *(pytest.param(n, marks=pytest.mark.slow) for n in OTHERS)]
)
def test_samples_do_not_meet_and_calls_start_afresh(name: str) -> None:
    model, x = small(name).double(), clip(3, samples=2).double()
    with torch.no_grad():
        together, alone = model(x), model(x[:, 1:])
        torch.testing.assert_close(together[1:], alone)
        assert torch.equal(model(x), together)


@pytest.mark.parametrize("name", FAMILIES)
def test_untrained_models_speak(name: str) -> None:
    rates: dict[str, float] = {}
    model = small(name)
    for path, module in model.named_modules():
        if isinstance(module, (LIF, IF)):
            module.register_forward_hook(
                lambda _m, _i, z, n=path: rates.update({n: float(z.mean())})
            )
    with torch.no_grad():
        model(clip())
    speaking = [rate for rate in rates.values() if rate > 0.005]
    assert len(speaking) >= 0.85 * len(rates), rates


@pytest.mark.parametrize(
    "name", ["sdt_8_512", *(pytest.param(n, marks=pytest.mark.slow) for n in OTHERS)]
)
def test_gradients_reach_every_parameter_that_is_read(name: str) -> None:
    model = small(name).train()
    model(clip(samples=2)).square().sum().backward()
    without = {n for n, p in model.named_parameters() if p.grad is None}
    assert all("norm1" in n or "norm2" in n or "talking_heads" in n for n in without)
    assert bool(without) == (name in ("spikingformer_8_512", "sdt_8_512"))


def test_a_clip_that_is_none_is_one_line() -> None:
    for name in FAMILIES:
        with pytest.raises(ModelError, match=r"expects a clip \[T, B, 3, H, W\], got \[4, 2, 32\]"):
            small(name)(torch.zeros(4, 2, 32))


def test_a_convolution_of_every_frame() -> None:
    layer, x = NormedConv(3, 4, 3, 2).eval(), torch.randn(2, 5, 3, 8, 8)
    with torch.no_grad():
        expected = torch.stack([layer.norm(layer.conv(frame)) for frame in x])
        torch.testing.assert_close(layer(x), expected)
    assert torch.equal(per_frame(lambda s: s + 1, x), x + 1)
