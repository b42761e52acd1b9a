from __future__ import annotations

import json

import pytest

from neurosim.data import Recipe
from neurosim.errors import ClipError


def test_round_trip_through_json():
    recipe = Recipe(16, (224, 224), 4, 256, mean=(0.1, 0.2, 0.3), std=0.225)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert recipe.span == 61


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frames", 0),
        ("frames", True),
        ("stride", 0),
        ("size", (4,)),
        ("size", (4, 0)),
        ("short_side", 0),
        ("crop", "left"),
        ("channels", "yuv"),
        ("mean", float("nan")),
        ("mean", (0.5, 0.5)),
        ("std", 0.0),
        ("std", (1.0, 1.0, -1.0)),
        ("fps", 0.0),
        ("bin_ms", float("inf")),
    ],
)
def test_fields_out_of_range(field, value):
    good = {"frames": 2, "size": (4, 4)}
    with pytest.raises(ClipError, match=f"at recipe field '{field}': found .*; give"):
        Recipe(**{**good, field: value})


def test_unknown_and_missing_fields():
    with pytest.raises(ClipError, match=r"unknown fields \['colour'\], missing \['size'\]"):
        Recipe.from_dict({"frames": 2, "colour": 1})
