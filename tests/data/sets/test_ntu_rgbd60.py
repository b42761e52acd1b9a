"""NTU RGB+D 60: the name of a file is its label and its place in both protocols."""

from __future__ import annotations

import pytest

from neurosim.data import Recipe, sets
from neurosim.errors import ClipError

FILES = {  # subject 1 trains, 3 is tested; cameras 2 and 3 train, 1 is tested
    "S001C001P001R001A001_rgb.avi": 1,
    "S001C002P001R002A060_rgb.avi": 2,
    "S001C003P003R001A005_rgb.avi": 3,
    "S002C001P003R001A060_rgb.avi": 4,
    "S018C001P003R001A061_rgb.avi": 5,  # NTU RGB+D 120
    "S001C001P003_rgb.avi": 6,  # another file
}
SPLITS = {
    ("xsub", "train"): [1, 2],
    ("xsub", "test"): [3, 4],
    ("xview", "train"): [2, 3],
    ("xview", "test"): [1, 4],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory, film):
    home = tmp_path_factory.mktemp("ntu")
    for name, said in FILES.items():
        film(home / "nturgb+d_rgb" / name, [said] * 3)
    (home / "nturgb+d_rgb" / "S001C001P001R001A001.skeleton").touch()
    return home


@pytest.mark.parametrize(("fold", "split"), SPLITS)
def test_protocols(root, numbers, fold, split):
    data = sets.open("ntu_rgbd60", root, split, fold=fold, recipe=Recipe(2, (32, 32)))
    said = [numbers(data.frames(i))[0] for i in range(len(data))]
    assert said == SPLITS[fold, split] and len(data.classes) == 60
    labels = {1: 0, 2: 59, 3: 4, 4: 59}
    assert data.labels == tuple(labels[n] for n in said)


def test_published_counts_follow_from_people_and_cameras():
    """All clips of a full release: 56,880 = 40,320 + 16,560 = 37,920 + 18,960."""
    from neurosim.data.sets.ntu_rgbd60 import ACTIONS, TRAIN_CAMERAS, TRAIN_SUBJECTS

    assert len(set(ACTIONS)) == 60 and ACTIONS[0] == "drink water" and ACTIONS[42] == "falling down"
    assert len(TRAIN_SUBJECTS) == 20 and TRAIN_SUBJECTS <= set(range(1, 41))
    assert TRAIN_CAMERAS == {2, 3} and 56_880 * 2 // 3 == 37_920


def test_the_default_is_cross_subject_and_an_empty_folder_is_said(root, tmp_path):
    assert sets.open("ntu_rgbd60", root).fold == "xsub"
    with pytest.raises(ClipError, match="at data set 'ntu_rgbd60': found no item in"):
        sets.open("ntu_rgbd60", tmp_path)
