"""SpikeVideoFormer's attention is the Hamming similarity of queries and keys."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import nn

from neurosim import models
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


def test_every_reading_of_the_paper_s_size_has_the_documented_count() -> None:
    """None is 55.9 M (Kinetics-400) or 55.8 M (pose) to the digit."""
    page = (Path(__file__).parents[2] / "docs" / "spike_video_former.md").read_text()
    told = [int(n.replace(",", "")) for n in re.findall(r"\| ([\d,]{10}) \|", page)]
    assert told == list(_readings())
    assert {round(n / 1e6, 1) for n in told}.isdisjoint({55.8, 55.9})


def _readings() -> tuple[int, ...]:
    with torch.device("meta"):
        hamming = models.load("spike_video_former_55m")
        dot = models.load("meta_spikeformer_55m", classes=400)
    a_class, kinetics = hamming.head.in_features + 1, _parameters(hamming)
    body = kinetics - 400 * a_class
    convolutions = [m for m in hamming.modules() if isinstance(m, nn.Conv2d)]
    channels = sum(m.num_features for m in hamming.modules() if isinstance(m, nn.BatchNorm2d))
    maps = sum(_parameters(m.q_conv) for m in hamming.modules() if isinstance(m, SpikeAttention))
    heads = (body + outputs * a_class for outputs in (800, 1000, 1400, 2000, 2400))
    return (
        body,
        kinetics,
        _parameters(dot),
        *heads,
        kinetics + sum(m.out_channels for m in convolutions if m.bias is None),
        kinetics + 2 * channels,
        kinetics + 15 * 2 * channels,
        kinetics + 3 * maps,
        kinetics + 4 * maps,
        body + (24 * 6 + 3 + 10) * a_class,
    )


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
