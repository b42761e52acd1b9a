"""Spikformer's blocks against SpikingJelly's, and its attention against the formula."""

from __future__ import annotations

import pytest
import torch

from neurosim.models._blocks import attend
from neurosim.models.spikformer import Block, SpikformerConfig
from tests.models.peers import hand_over, loud, spikingjelly
from tests.models.small import clip, small, statistics


def test_a_block_is_spikingjellys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its patch embedding pools before the neuron, the released one after it: blocks alone."""
    peer = spikingjelly("model.spikformer", monkeypatch)
    functional = spikingjelly("functional", monkeypatch)
    theirs = peer.SpikformerBlock(dim=128, num_heads=2)  # 64 channels a head: a scale of 1/8
    functional.set_step_mode(theirs, "m")
    loud(theirs)
    statistics(theirs.eval())
    ours = Block(SpikformerConfig(dim=128, heads=2)).eval()
    hand_over(theirs, ours)
    x = torch.randint(0, 4, (4, 2, 128, 3, 3), generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        found, expected = ours.double()(x), theirs.double()(x)
    assert (expected != x).any()
    torch.testing.assert_close(found, expected)


def test_attention_is_q_times_k_transposed_v() -> None:
    torch.manual_seed(0)
    q, k, v = ((torch.rand(3, 2, 8, 2, 5) < 0.4).float() for _ in range(3))
    heads = [s.flatten(3).unflatten(2, (4, 2)) for s in (q, k, v)]  # (T, B, heads, d, N)
    expected = torch.einsum("tbhdn,tbhdm,tbhem->tbhen", *heads).flatten(2, 3) * 0.125
    assert expected.any()
    assert torch.equal(attend(q, k, v, heads=4, scale=0.125), expected)


def test_the_residual_stream_holds_sums_of_spikes() -> None:
    seen: list[torch.Tensor] = []
    model = small("spikformer_8_512")
    model.block[0].register_forward_hook(lambda _m, _i, out: seen.append(out))
    with torch.no_grad():
        model(clip())
    assert {0, 1, 2} <= set(seen[0].unique().tolist()) <= {0, 1, 2, 3, 4}
