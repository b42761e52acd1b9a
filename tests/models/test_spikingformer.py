"""Spikingformer: every convolution but the stem sees spikes alone."""

from __future__ import annotations

import torch
from torch import nn

from tests.models.small import clip, small


def test_every_convolution_but_the_stem_sees_spikes() -> None:
    inputs: dict[str, torch.Tensor] = {}
    model = small("spikingformer_8_512")
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_pre_hook(lambda _m, x, n=name: inputs.update({n: x[0]}))
    with torch.no_grad():
        model(clip())
    real = {name for name, x in inputs.items() if not set(x.unique().tolist()) <= {0, 1}}
    assert real == {"patch_embed.proj_conv.conv"} and len(inputs) == 11


def test_the_released_code_counts_norms_that_nothing_reads() -> None:
    read, unread = (
        sum(p.numel() for p in small("spikingformer_8_512", unread_norms=kept).parameters())
        for kept in (False, True)
    )
    assert unread - read == 2 * 2 * 32
