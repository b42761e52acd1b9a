"""UCF101: the release's folders and lists, three splits."""

from __future__ import annotations

import pytest

from neurosim.data import Recipe, sets
from neurosim.errors import ClipError

RECIPE = Recipe(2, (32, 32))
CLASSES = ("ApplyEyeMakeup", "HandstandPushups", "YoYo")


@pytest.fixture(scope="module")
def root(tmp_path_factory, film):
    """Group 1 is tested in split 1, group 2 in split 2, group 3 in split 3."""
    home = tmp_path_factory.mktemp("ucf101")
    lists = home / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_bytes(b"1 ApplyEyeMakeup\r\n2 HandstandPushups\r\n3 YoYo\r\n")
    groups: dict[int, list[str]] = {1: [], 2: [], 3: []}
    for label, name in enumerate(CLASSES):
        said = name.replace("Handstand", "HandStand")  # as in the release
        for group in groups:
            key = f"{name}/v_{said}_g{group:02d}_c01.avi"
            film(home / "UCF-101" / key, [10 * label + group] * 4)
            groups[group].append(key)
    for k in groups:
        train = [key for group in groups if group != k for key in groups[group]]
        lines = [f"{key} {CLASSES.index(key.split('/')[0]) + 1}" for key in train]
        (lists / f"trainlist0{k}.txt").write_text("\n".join(lines) + "\n")
        (lists / f"testlist0{k}.txt").write_text("\n".join(groups[k]) + "\n")
    return home


@pytest.mark.parametrize("fold", [None, 1, 2, 3])
def test_splits_labels_and_content(root, numbers, fold):
    test = sets.open("ucf101", root, "test", fold=fold, recipe=RECIPE)
    train = sets.open("ucf101", root, "train", fold=fold, recipe=RECIPE)
    group = fold or 1
    assert test.classes == CLASSES and test.fold == group
    assert test.labels == (0, 1, 2) and train.labels == (0, 1, 2) * 2
    assert {i.key for i in test.items}.isdisjoint(i.key for i in train.items)
    assert test.items[1].key == f"HandstandPushups/v_HandStandPushups_g0{group}_c01.avi"
    for index, label in enumerate(test.labels):
        assert numbers(test.frames(index)) == [10 * label + group] * 2


def test_a_part_that_is_missing_is_named(root, tmp_path):
    (tmp_path / "UCF-101").mkdir()
    with pytest.raises(ClipError, match="at data set 'ucf101': found no '.*ucfTrainTestlist'"):
        sets.open("ucf101", tmp_path)
    (tmp_path / "ucfTrainTestlist").mkdir()
    with pytest.raises(ClipError, match="at 'classInd.txt': found no such file; put it into"):
        sets.open("ucf101", tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("testlist01.txt", "Walk/v_Walk_g01_c01.avi", "class 'Walk' in line 1"),
        ("trainlist01.txt", "YoYo/v_YoYo_g02_c01.avi 1", "while YoYo is 3"),
        ("trainlist01.txt", "YoYo/v_YoYo_g02_c01.avi one", "'one' in line 1"),
        ("classInd.txt", "1 ApplyEyeMakeup\n3 YoYo", "'3 YoYo' in line 2"),
    ],
)
def test_lists_that_do_not_fit(root, tmp_path, file, content, found):
    (tmp_path / "UCF-101").mkdir()
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    for path in (root / "ucfTrainTestlist").iterdir():
        (lists / path.name).write_text(path.read_text())
    (lists / file).write_text(content)
    split = "train" if file.startswith("train") else "test"
    with pytest.raises(ClipError, match=f"at '{file}': found .*{found}"):
        sets.open("ucf101", tmp_path, split)
