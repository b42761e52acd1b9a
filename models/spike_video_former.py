"""SpikeVideoFormer (Zou et al., ICML 2025): Meta-SpikeFormer with attention over space and time.

Similarity of a query and a key is the Hamming one of spikes read as ±1, so that two silences agree:
LIF(BN((2Q − 1)·((2K − 1)ᵀV)/2D)), over the tokens of all steps together, in this order. By our
counting rules ±1 are real numbers: the first product is billed as additions for the spikes of V,
the second as multiply-accumulates, where the paper takes shifts.
"""

from __future__ import annotations

from typing import Any

from neurosim.models.meta_spikeformer import MetaSpikeFormer, MetaSpikeFormerConfig


class SpikeVideoFormer(MetaSpikeFormer):
    """Clip [T, B, C, H, W] → logits [B, classes]: the mean over the steps."""


def build(**config: Any) -> SpikeVideoFormer:
    """``MetaSpikeFormerConfig`` fields override the published architecture."""
    fixed = {"attention": "hamming", "classes": 400, **config}
    return SpikeVideoFormer(MetaSpikeFormerConfig(**fixed))
