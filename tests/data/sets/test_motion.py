"""The built-in set through the same door: the same clips and counts as its own loader."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurosim.data import Recipe, sets
from neurosim.data.motion import ACTIONS, load_motion


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROSIM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_video(numbers):
    data = sets.open("motion", split="validation", number=3)
    theirs = load_motion("validation", 3)
    assert data.classes == ACTIONS and data.labels == theirs.labels and len(data) == 3
    assert data.form == "video" and data.kind == "real"
    assert [item.key for item in data.items] == [f"seed-1/{i:06d}.mp4" for i in range(3)]
    normalised = load_motion("validation", 3, form="float")
    for i in range(3):
        assert torch.equal(data.frames(i), theirs[i][0])
        np.testing.assert_allclose(data.view(i), normalised[i][0], atol=1e-6)


def test_events():
    data = sets.open("motion", split="test", form="events", number=2)
    theirs = load_motion("test", 2, form="events")
    assert data.kind == "graded" and data.items[1].key == "seed-2/000001.npz"
    for i in range(2):
        assert torch.equal(data.frames(i), theirs[i][0])
        assert torch.equal(data.view(i), theirs[i][0])


def test_the_recipe_chooses_the_form(tmp_path):
    recipe = Recipe(8, (32, 32), channels="events", bin_ms=80)
    data = sets.open("motion", tmp_path, "test", recipe=recipe, number=1)
    whole = sets.open("motion", tmp_path, "test", form="events", number=1).frames(0)
    assert data.form == "events" and data.frames(0).shape == (8, 2, 32, 32)
    assert data.items[0].path.is_relative_to(tmp_path)
    pairs = whole.reshape(8, 2, 2, 32, 2, 32, 2).sum((1, 4, 6))
    assert torch.equal(data.frames(0), pairs)
