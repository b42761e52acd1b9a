"""Kinetics-400: folders alone, and annotation files over folders."""

from __future__ import annotations

import pytest

from neurosim.data import Recipe, sets
from neurosim.errors import ClipError

RECIPE = Recipe(2, (32, 32))
HEADER = "label,youtube_id,time_start,time_end,split\n"
ROWS = {  # file → (class, number its frames say)
    "---QUuC4vJs_000084_000094": ("testifying", 3),
    "--3ouPhoy2A_000020_000030": ("eating spaghetti", 5),
    "-_x,y_000000_000010": ("eating spaghetti", 7),
}


def _row(name: str, label: str, split: str) -> str:
    video, start, end = name.rsplit("_", 2)
    video = f'"{video}"' if "," in video else video
    return f"{label},{video},{int(start)},{int(end)},{split}\n"


@pytest.fixture
def folders(tmp_path, film):
    for name, (label, said) in ROWS.items():
        film(tmp_path / "val" / label / f"{name}.mp4", [said] * 3)
    film(tmp_path / "train" / "abseiling" / "aaaaaaaaaaa_000001_000011.mp4", [1] * 3)
    (tmp_path / "train" / "abseiling" / "readme.txt").touch()
    return tmp_path


def test_folders_name_the_classes_of_all_splits(folders, numbers):
    data = sets.open("kinetics400", folders, "val", recipe=RECIPE)
    assert data.split == "validation"
    assert data.classes == ("abseiling", "eating spaghetti", "testifying")
    assert data.labels == (1, 1, 2)
    assert [numbers(data.frames(i))[0] for i in range(3)] == [5, 7, 3]
    train = sets.open("kinetics400", folders, "train", recipe=RECIPE)
    assert train.classes == data.classes and train.labels == (0,) and len(train) == 1


@pytest.mark.parametrize("where", ["val.csv", "annotations/validate.csv", "kinetics400_val.csv"])
@pytest.mark.parametrize("flat", [False, True])
def test_annotations_win_and_keep_their_order(folders, numbers, where, flat):
    table = folders / where
    table.parent.mkdir(exist_ok=True)
    rows = [_row(name, label, "validate") for name, (label, _) in ROWS.items()]
    table.write_text(HEADER + "".join(rows))
    if flat:
        for path in list((folders / "val").glob("*/*.mp4")):
            path.rename(folders / "val" / path.name)
    data = sets.open("kinetics400", folders, "validation", recipe=RECIPE)
    assert data.labels == (2, 1, 1)
    assert [numbers(data.frames(i))[0] for i in range(3)] == [3, 5, 7]


def test_a_video_that_is_gone(folders):
    row = _row("gone4567890_000003_000013", "testifying", "val")
    row += _row(*list(ROWS)[:1], "testifying", "val")
    (folders / "val.csv").write_text(HEADER + row)
    with pytest.raises(ClipError, match="found 1 of 2 items .* first 'val/testifying/gone4567890_"):
        sets.open("kinetics400", folders, "val")
    data = sets.open("kinetics400", folders, "val", skip_bad=True)
    assert [bad.key for bad in data.skipped] == ["val/testifying/gone4567890_000003_000013.mp4"]
    assert len(data) == 1


def test_bad_tables_and_folders(folders):
    with pytest.raises(ClipError, match="at data set 'kinetics400': found no '.*test'"):
        sets.open("kinetics400", folders, "test")
    (folders / "val.csv").write_text("youtube_id,time_start,time_end,split\nx,1,2,test\n")
    with pytest.raises(ClipError, match="at 'val.csv': found no label in line 2"):
        sets.open("kinetics400", folders, "val")
    (folders / "val.csv").write_text(HEADER + "a,x,1.5,2,val\n")
    with pytest.raises(ClipError, match="at 'val.csv': found '1.5' in line 2"):
        sets.open("kinetics400", folders, "val")
