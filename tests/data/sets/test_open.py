"""The door to all sets: names, splits, folds, forms, numbers, and what it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from neurosim.data import Recipe, sets
from neurosim.errors import ClipError, UnknownName

NAMES = (
    *("dvs128_gesture", "event_files", "hmdb51", "kinetics400", "kinetics600", "motion"),
    *("ntu_rgbd60", "something_something_v2", "ucf101"),
)
JUDGED = ("test", "test", "test", "validation", "validation", "test", "test", "validation", "test")


def test_all_sets_and_the_split_each_is_judged_on():
    assert sets.list() == NAMES
    assert tuple(sets.splits(name)[-1] for name in NAMES) == JUDGED


@pytest.mark.parametrize("name", NAMES)
def test_the_usual_recipe_fits_the_kind_of_file(name):
    from neurosim import registry

    layout = registry.load("data.sets", name, "data set").LAYOUT
    for recipe in layout.recipes.values():
        assert recipe.channels in ("rgb", "events")
        assert recipe.channels == "rgb" or layout.read is not None


def test_the_rgb_recipe_is_svformers():
    from neurosim.data.sets.ucf101 import LAYOUT

    expected = Recipe(16, (224, 224), 4, 256, mean=0.45, std=0.225)
    assert LAYOUT.recipes[""] == expected


@pytest.mark.parametrize(
    ("error", "found", "wanted"),
    [
        (UnknownName, "unknown data set 'ucf10'; did you mean ucf101", {"name": "ucf10"}),
        (UnknownName, "unknown data set '_open'", {"name": "_open"}),
        (UnknownName, "unknown split of ucf101 'validation'; known: test, train", {"split": "val"}),
        (UnknownName, "unknown fold of ucf101 '4'", {"fold": 4}),
        (ClipError, "at the form of ucf101: found 'events', while it has none", {"form": "events"}),
        (ClipError, "found number 0; give at least 1", {"number": 0}),
        (ClipError, "found no folder; say where it lies", {"root": None}),
        (ClipError, "found no folder '.*nowhere'; check the path", {"root": "nowhere"}),
        (ClipError, "a recipe for events", {"recipe": Recipe(4, (8, 8), channels="events")}),
        (ClipError, r"found no '.*UCF-101'; check the layout", {}),
    ],
)
def test_refusals_are_one_line(tmp_path, error, found, wanted):
    asked = {"name": "ucf101", "root": tmp_path} | wanted
    with pytest.raises(error, match=found) as caught:
        sets.open(**asked)
    assert "\n" not in str(caught.value)


def test_a_recipe_of_the_other_kind_for_events(tmp_path):
    with pytest.raises(ClipError, match="found a recipe for frames; give one of its kind"):
        sets.open("event_files", tmp_path, recipe=Recipe(4, (8, 8)))


def test_no_more_items_than_there_are(tmp_path, film):
    for name in ("x", "y", "z"):
        film(tmp_path / "train" / "a" / f"{name}_000000_000001.mp4", range(2))
    found = sets.open("kinetics600", tmp_path, "train", number=2)
    assert [item.key[8] for item in found.items] == ["x", "y"]
    with pytest.raises(ClipError, match="found 3 items; ask for no more"):
        sets.open("kinetics600", tmp_path, "train", number=4)


def test_importing_the_room_imports_nothing_heavy():
    code = (
        "import sys, neurosim.data as d; d.sets.list(); dir(d.sets);"
        "print([m for m in ('av', 'torch', 'numpy', 'h5py', 'lz4') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
