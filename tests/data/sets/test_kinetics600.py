"""Kinetics-600 has Kinetics-400's layout under its own name."""

from __future__ import annotations

import pytest

from neurosim.data import Recipe, sets
from neurosim.errors import ClipError


def test_its_own_annotation_file(tmp_path, film, numbers):
    film(tmp_path / "train" / "zumba" / "abcdefghijk_000007_000017.mp4", [4] * 3)
    header = "label,youtube_id,time_start,time_end,split\n"
    (tmp_path / "kinetics_600_train.csv").write_text(header + "zumba,abcdefghijk,7,17,train\n")
    (tmp_path / "kinetics400_val.csv").write_text(header + "another,abcdefghijk,7,17,val\n")
    data = sets.open("kinetics600", tmp_path, "train", recipe=Recipe(2, (32, 32)))
    assert data.name == "kinetics600" and data.classes == ("zumba",) and data.labels == (0,)
    assert numbers(data.frames(0)) == [4, 4]
    with pytest.raises(ClipError, match="at data set 'kinetics600': found no '.*val'"):
        sets.open("kinetics600", tmp_path, "validation")
