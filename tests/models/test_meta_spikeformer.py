"""Meta-SpikeFormer's parts against their formulas."""

from __future__ import annotations

import pytest
import torch

from neurosim import models
from neurosim.errors import ModelError
from neurosim.models.meta_spikeformer import RepConv, space_time
from tests.models.small import META, clip, small, statistics


def test_attention_over_space_and_time_is_a_sum_over_all_tokens() -> None:
    torch.manual_seed(0)
    q, k, v = ((torch.rand(3, 2, 8, 2, 2) < 0.4).float() for _ in range(3))
    heads = [s.unflatten(2, (4, 2)) for s in (q, k, v)]  # (T, B, heads, d, H, W)
    expected = torch.einsum("tbhdxy,sbhduv,sbhe uv->tbhexy".replace(" ", ""), *heads).flatten(2, 3)
    assert expected.any()
    assert torch.equal(space_time(q, k, v, heads=4), expected)


def test_the_border_of_a_rep_conv_holds_the_norm_of_zero() -> None:
    torch.manual_seed(0)
    conv = RepConv(4).eval()
    statistics(conv)
    x = torch.randn(2, 1, 4, 5, 5)
    with torch.no_grad():
        inner = conv.inner_norm(conv.inner(x.flatten(0, 1)))
        zero = conv.inner_norm(torch.zeros(1, 4, 1, 1))
        padded = zero.expand(2, 4, 7, 7).clone()
        padded[:, :, 1:-1, 1:-1] = inner
        expected = conv.norm(conv.outer_norm(conv.outer(conv.depthwise(padded))))
        torch.testing.assert_close(conv(x).flatten(0, 1), expected)


@pytest.mark.parametrize("attention", ["space", "space_time", "hamming"])
def test_every_attention_runs_on_a_video_of_any_length(attention: str) -> None:
    model = small("meta_spikeformer_15m", attention=attention)
    for steps in (1, 5):
        with torch.no_grad():
            assert model(clip(steps, samples=2)).shape == (2, 10)


def test_mistakes_are_one_line() -> None:
    with pytest.raises(ModelError, match="attention is 'time'; give space, space_time or hamming"):
        models.load("meta_spikeformer_15m", attention="time")
    with pytest.raises(ModelError, match="Meta-SpikeFormer: 16 channels and 3 heads"):
        models.load("meta_spikeformer_15m", **META | {"heads": 3})
