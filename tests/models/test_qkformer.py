"""QKFormer against SpikingJelly's, and its token attention against the formula."""

from __future__ import annotations

import pytest
import torch

from neurosim import models
from neurosim.errors import ModelError
from neurosim.models._blocks import speak
from neurosim.models.qkformer import TokenAttention
from tests.models.peers import hand_over, loud, spikingjelly
from tests.models.small import clip, small, statistics


def test_it_is_spikingjellys(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = spikingjelly("model.qkformer", monkeypatch)
    theirs = peer.QKFormer(
        T=4, num_classes=10, embed_dims=32, num_heads=(2, 2, 2), depths=(1, 1, 1)
    )
    loud(theirs)
    statistics(theirs.eval())
    ours = small("qkformer_10_384")
    for part, module in theirs.named_children():  # in another order than ours
        hand_over(module, getattr(ours, part))
    x = clip(samples=2).double()
    with torch.no_grad():
        found, expected = ours.double()(x), theirs.double()(x)
    assert expected.abs().sum() > 0
    torch.testing.assert_close(found, expected)


def test_tokens_of_the_keys_stay_where_a_head_s_queries_fire() -> None:
    torch.manual_seed(0)
    attention, seen = TokenAttention(8, heads=2).eval(), dict[str, torch.Tensor]()
    speak(attention, stem="")
    for name in ("q_lif", "k_lif"):
        getattr(attention, name).register_forward_hook(
            lambda _m, _i, z, n=name: seen.update({n: z})
        )
    attention.proj_conv.register_forward_pre_hook(lambda _m, x: seen.update({"kept": x[0]}))
    with torch.no_grad():
        attention((torch.randn(4, 2, 8, 3, 3) > 0.5).float())
    fired = seen["q_lif"].unflatten(2, (2, 4)).sum(3)  # (T, B, heads, H, W)
    v, kept = torch.zeros_like(fired[0]), []
    for step in fired:
        v = v + (step - v) / 2
        kept.append((v >= 0.5).float())
        v = v * (1 - kept[-1])
    mask = torch.stack(kept).repeat_interleave(4, dim=2)
    assert 0 < mask.mean() < 1
    assert torch.equal(seen["kept"], seen["k_lif"] * mask)


def test_channels_that_no_head_divides_are_one_line() -> None:
    with pytest.raises(ModelError, match="QKFormer: 16 channels and 3 heads"):
        models.load("qkformer_10_384", dim=64, heads=3)
