"""Masked pairs of an attention count no event: against brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from neurosim.capture.capture import capture
from neurosim.sim.simulate import simulate
from tests.capture.checking import Model
from tests.oracles import product_counts

T, B, N, D = 2, 2, 5, 3
CAUSAL = torch.ones(N, N).tril().bool()


def _fused(x):
    return F.scaled_dot_product_attention(x, x, x, is_causal=True)


def _masked(x):
    return F.scaled_dot_product_attention(x, x, x, attn_mask=CAUSAL)


def _added(x):
    bias = torch.zeros(N, N).masked_fill(~CAUSAL, float("-inf"))
    return F.scaled_dot_product_attention(x, x, x, attn_mask=bias)


def _by_hand(x):
    scores = (x @ x.transpose(-1, -2)).masked_fill(~CAUSAL, float("-inf"))
    return scores.softmax(-1) @ x


@pytest.mark.parametrize("kind", ["spike", "graded", "real"])
@pytest.mark.parametrize("form", [_fused, _masked, _added, _by_hand])
def test_counts_of_a_causal_attention(form, kind):
    torch.manual_seed(0)
    clip = torch.randint(0, 2 if kind == "spike" else 4, (T, B, N, D)).float()
    graph = capture(form, clip, kind=kind)
    run = simulate(graph, clip, "dense", record="all")
    scores, mixed = (n.name for n in graph if n.op == "matmul")
    x, keep = clip.numpy(), CAUSAL.numpy()
    expected = {scores: product_counts(x, kind, x.swapaxes(-1, -2), kind, keep_out=keep)}
    weights = run.trace[next(n.name for n in graph if n.op == "softmax")]
    expected[mixed] = product_counts(weights, "real", x, kind, keep_left=keep)
    for node, events in expected.items():
        for event, counts in events.items():
            np.testing.assert_array_equal(run.counts.array(node, event).T, counts, err_msg=event)


def test_an_open_attention_counts_every_pair():
    graph = capture(lambda x: F.scaled_dot_product_attention(x, x, x), torch.rand(T, B, N, D))
    assert all("keep" not in role for node in graph for role in node.params)


@pytest.mark.parametrize("weights", [True, False])
def test_multihead_attention_with_a_mask(weights):
    mask = nn.Transformer.generate_square_subsequent_mask(N)

    def forward(s, x):
        y = x.flatten(0, 1)
        z = s.m[0](y, y, y, attn_mask=mask, need_weights=weights)[0]
        return z.unflatten(0, x.shape[:2])

    clip = torch.randn(T, B, N, 8)
    model = Model(forward, nn.MultiheadAttention(8, 2, batch_first=True)).eval()
    graph = capture(model, clip)
    run = simulate(graph, clip, "dense")
    pairs = int(CAUSAL.sum()) * 2 * 4 * T * B  # heads × head width
    macs = [run.counts.get(n.name, "mac") for n in graph if n.op == "matmul"]
    assert macs == [pairs, pairs]
