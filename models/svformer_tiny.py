"""SVFormer scaled down for the built-in data: 16 frames of 64×64, ten classes; all its parts."""

from __future__ import annotations

from dataclasses import replace

from neurosim.data.recipe import Recipe
from neurosim.models._card import Accuracy, ModelCard
from neurosim.models.svformer import SVFormer, SVFormerConfig
from neurosim.nn.surrogate import Norse

CONFIG = SVFormerConfig(
    size=64,
    classes=10,
    channels=(16, 32, 64, 96),
    depth=(1, 1, 2, 1),
    head_dim=16,
    surrogate=Norse("triangle", 0.5),
    fires=">",
    v_threshold=0.5,
    qkv_spread=1.7,
    qkv_gain=2.0,
    attention_scale=1.0,
)


def build(**config: object) -> SVFormer:
    """``SVFormerConfig`` fields override the tiny architecture."""
    return SVFormer(replace(CONFIG, **config))  # type: ignore[arg-type]


CARD = ModelCard(
    name="svformer_tiny",
    title="SVFormer, tiny",
    parameters=391_242,
    classes=10,
    recipe=Recipe(frames=16, size=(64, 64), mean=0.45, std=0.225),
    weights=True,
    accuracy=(Accuracy("motion", 96.3, 100.0, 1, 1, "models/weights/svformer_tiny.md"),),
    note="SVFormer's architecture at 1/36 of its parameters, trained by us on the built-in data.",
)
