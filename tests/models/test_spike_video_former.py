"""SpikeVideoFormer's attention is the Hamming similarity of queries and keys."""

from __future__ import annotations

import torch

from neurosim.models.meta_spikeformer import MetaSpikeFormerConfig, SpikeAttention
from tests.models.small import clip, small


def test_similarity_is_the_share_of_places_where_spikes_agree() -> None:
    """(2q − 1)ᵀ(2k − 1)/2D + 1/2 = (places where q and k are equal)/D, for one head of D."""
    torch.manual_seed(0)
    dim, attention = 8, SpikeAttention(MetaSpikeFormerConfig(attention="hamming", heads=1), 8)
    attention.attn_norm = torch.nn.Identity()
    q, k, v = ((torch.rand(3, 1, dim, 2, 2) < 0.4).float() for _ in range(3))
    with torch.no_grad():
        found = attention._attend(q, k, v)
    agree = (q.movedim(2, -1).reshape(12, 1, dim) == k.movedim(2, -1).reshape(1, 12, dim)).sum(-1)
    values = v.movedim(2, -1).reshape(12, dim)
    expected = (agree / dim - 0.5) @ values  # (tokens, D)
    torch.testing.assert_close(found.movedim(2, -1).reshape(12, dim), expected)


def test_tokens_of_all_steps_meet() -> None:
    model, x = small("spike_video_former_15m"), clip(samples=1)
    other = x.clone()
    other[-1] = -other[-1]
    seen: list[torch.Tensor] = []
    model.stage3[0].attn.attn_norm.register_forward_pre_hook(lambda _m, i: seen.append(i[0]))
    with torch.no_grad():
        model(x), model(other)
    first = [s.unflatten(0, (4, 1))[0] for s in seen]
    assert not torch.equal(*first)  # what the first step sees hangs on the last one
