"""The Spike-driven Transformer against SpikingJelly's, and its attention against its formula."""

from __future__ import annotations

import pytest
import torch

from neurosim import models
from neurosim.errors import ModelError
from neurosim.models._blocks import speak
from neurosim.models.spike_driven_transformer import SDTConfig, SpikeDrivenAttention
from tests.models.peers import hand_over, loud, spikingjelly
from tests.models.small import ATTENTION, clip, statistics


def test_it_is_spikingjellys(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = spikingjelly("model.spike_driven_transformer", monkeypatch)
    theirs = peer.SpikeDrivenTransformer(
        T=4, num_classes=10, embed_dims=32, num_heads=2, depths=1, mlp_ratio=4
    )
    loud(theirs)
    statistics(theirs.eval())
    ours = models.load("sdt_8_512", **ATTENTION, unread_heads=False)
    hand_over(theirs, ours)
    x = clip(samples=2).double()
    with torch.no_grad():
        found, expected = ours.double()(x), theirs.double()(x)
    assert expected.abs().sum() > 0
    torch.testing.assert_close(found, expected)


def test_attention_masks_the_queries_where_keys_meet_values() -> None:
    torch.manual_seed(0)
    attention = SpikeDrivenAttention(SDTConfig(dim=8, heads=2)).eval()
    speak(attention, stem="")
    x, seen = torch.randn(4, 2, 8, 3, 3) * 40, dict[str, torch.Tensor]()
    for name in ("q_lif", "k_lif", "v_lif"):
        getattr(attention, name).register_forward_hook(
            lambda _m, _i, z, n=name: seen.update({n: z})
        )
    attention.proj_conv.register_forward_pre_hook(lambda _m, x: seen.update({"mixed": x[0]}))
    with torch.no_grad():
        attention(x)
    met = (seen["k_lif"] * seen["v_lif"]).flatten(3).sum(-1)  # (T, B, C)
    v, masks = torch.zeros_like(met[0]), []
    for step in met:
        v = v + (step - v) / 2
        masks.append((v >= 0.5).float())
        v = v * (1 - masks[-1])
    assert 0 < torch.stack(masks).mean() < 1
    assert torch.equal(seen["mixed"], seen["q_lif"] * torch.stack(masks)[..., None, None])


def test_the_released_model_holds_a_mixing_of_heads_that_nothing_reads() -> None:
    with_heads = models.load("sdt_8_512", **ATTENTION)
    without = models.load("sdt_8_512", **ATTENTION, unread_heads=False)
    extra = sum(p.numel() for p in with_heads.parameters()) - sum(
        p.numel() for p in without.parameters()
    )
    assert extra == 2 * 2


@pytest.mark.parametrize("config", [{"dim": 12, "heads": 2}, {"dim": 32, "heads": 3}])
def test_channels_that_no_head_divides_are_one_line(config: dict[str, int]) -> None:
    with pytest.raises(ModelError, match="give a multiple of 8 and of the heads"):
        models.load("sdt_8_512", **config)
