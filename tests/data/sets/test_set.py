"""What a set gives: windows, views, records; and what it says about files that are bad."""

from __future__ import annotations

import hashlib
import json
import pickle

import numpy as np
import pytest
import torch

from neurosim.data import Recipe, Views, load_clip, sets
from neurosim.data.fit import fit
from neurosim.errors import ClipError

RECIPE = Recipe(4, (32, 32), stride=4)


@pytest.fixture(scope="module")
def root(tmp_path_factory, film):
    """Kinetics folders: a long, a short and a damaged-to-be video."""
    home = tmp_path_factory.mktemp("k400")
    film(home / "val" / "a" / "long_000000_000010.mp4", range(43))
    film(home / "val" / "b" / "short_000000_000010.mp4", range(20, 30))
    film(home / "val" / "b" / "tall_000000_000010.mp4", size=(48, 32))
    return home


@pytest.fixture
def data(root):
    return sets.open("kinetics400", root, "validation", recipe=RECIPE)


def test_windows_of_the_right_frames(data, numbers):
    assert data.frames(0).shape == (4, 3, 32, 48) and data.frames(0).dtype == torch.uint8
    assert numbers(data.frames(0, 0.0)) == [0, 4, 8, 12]
    assert numbers(data.frames(0)) == [13, 17, 21, 25]  # room 43 − 16
    assert numbers(data.frames(0, 1.0)) == [27, 31, 35, 39]
    assert numbers(data.frames(1, 0.5)) == [20, 24, 28, 29]  # too short: the last is repeated


def test_five_by_three_views_are_where_they_belong(data, numbers):
    views = Views(5, 3)
    found = [data.view(0, v, views) for v in range(views.count)]
    for v, view in enumerate(found):
        assert view.shape == (4, 3, 32, 32) and view.dtype == torch.float32
        first = 6 * (v // 3)  # ⌊27/4⌋
        said = numbers((view * 0.225 + 0.45) * 255)
        assert said == [first, first + 4, first + 8, first + 12]
    together = list(data.every_view(0, views))
    assert all(torch.equal(a, b) for a, b in zip(found, together, strict=True))


@pytest.mark.parametrize("tall", [False, True])
def test_three_crops_run_along_the_longer_side(tmp_path, film, tall):
    wide = np.broadcast_to(np.linspace(30, 220, 48)[None, :, None], (32, 48, 3)).astype(np.uint8)
    picture = wide.transpose(1, 0, 2) if tall else wide
    film(tmp_path / "val" / "a" / "x_000000_000001.mp4", pictures=[picture] * 5)
    data = sets.open("kinetics400", tmp_path, "val", recipe=Recipe(2, (32, 32), short_side=64))
    pixels = (data.frames(0).float() / 255 - 0.45) / 0.225
    for crop, at in enumerate((0, 8, 16)):
        cut = pixels[:, :, at : at + 32] if tall else pixels[..., at : at + 32]
        np.testing.assert_allclose(data.view(0, crop, Views(1, 3)), cut, atol=1e-6)


def test_one_crop_is_the_middle_after_the_short_side(data):
    recipe = Recipe(4, (32, 32), stride=4, short_side=40)
    data = sets.open("kinetics400", data.items[0].path.parents[2], "val", recipe=recipe)
    expected = [fit(f.permute(1, 2, 0).numpy(), recipe) for f in data.frames(2)]
    assert torch.equal(data.view(2), torch.stack(expected))


def test_a_view_is_the_clip_that_load_clip_reads(data):
    recipe = Recipe(4, (32, 32), stride=12)  # no room: both start at the first frame
    data = sets.open("kinetics400", data.items[0].path.parents[2], "val", recipe=recipe)
    assert torch.equal(data.view(0), load_clip(data.items[0].path, recipe).tensor[:, 0])


def test_what_a_set_says_about_itself(data):
    info = json.loads(json.dumps(data.info()))
    keys = [[item.key, item.label] for item in data.items]
    assert keys[0] == ["val/a/long_000000_000010.mp4", 0] and [k[1] for k in keys] == [0, 1, 1]
    assert info["sha256"] == hashlib.sha256(json.dumps(keys).encode()).hexdigest()
    assert info["name"] == "kinetics400" and info["split"] == "validation"
    assert info["items"] == 3 and info["classes"] == 2 and info["skipped"] == []
    assert Recipe.from_dict(info["recipe"]) == RECIPE
    assert data.kind == "real" and data.labels == (0, 1, 1) and len(data) == 3


def test_a_set_can_be_sent_to_another_process(data):
    again = pickle.loads(pickle.dumps(data))
    assert torch.equal(again.frames(1), data.frames(1))


def test_an_index_past_the_end_stops_a_loop(data):
    with pytest.raises(IndexError):
        data.frames(3)


@pytest.fixture
def spoilt(tmp_path, film):
    """UCF101 with a good, a truncated, an empty, a damaged and a missing video, in this order."""
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 Jump\n2 Run\n")
    names = [f"Run/v_Run_g01_c0{i}.avi" for i in range(1, 6)]
    (lists / "testlist01.txt").write_text("\n".join(names))
    noise = np.random.default_rng(0).integers(0, 255, (12, 32, 48, 3), np.uint8)
    paths = [tmp_path / "UCF-101" / name for name in names]
    for path in paths[:2]:
        film(path)
    film(paths[3], pictures=list(noise))
    paths[1].write_bytes(paths[1].read_bytes()[:-2000])
    paths[2].touch()
    data = bytearray(paths[3].read_bytes())
    data[len(data) // 2 : len(data) // 2 + 300] = bytes(300)
    paths[3].write_bytes(data)
    return tmp_path


def test_a_missing_file_of_the_list_is_found_on_opening(spoilt):
    with pytest.raises(ClipError) as caught:
        sets.open("ucf101", spoilt)
    text = str(caught.value)
    assert "found 1 of 5 items" in text and "first 'Run/v_Run_g01_c05.avi' (no such file)" in text
    assert "--skip-bad" in text and "\n" not in text
    assert len(sets.open("ucf101", spoilt, number=4)) == 4  # it is the fifth


def test_a_bad_file_names_itself_when_it_is_read(spoilt):
    data = sets.open("ucf101", spoilt, number=4, recipe=RECIPE)
    found = ("truncated file: .* bytes", "an empty file", "damaged data")
    for index, reason in zip((1, 2, 3), found, strict=True):
        name = f"v_Run_g01_c0{index + 1}.avi"
        match = f"data set 'ucf101', item 'Run/{name}': at '{name}': found .*{reason}"
        with pytest.raises(ClipError, match=match):
            data.frames(index)
        with pytest.raises(ClipError, match=match):
            data.view(index)


def test_skip_bad_leaves_out_and_records(spoilt, numbers):
    data = sets.open("ucf101", spoilt, recipe=RECIPE, skip_bad=True)
    assert [item.key for item in data.items] == ["Run/v_Run_g01_c01.avi"]
    assert numbers(data.frames(0, 0.0)) == [0, 4, 8, 11] and data.labels == (1,)
    reasons = {bad.key[-5]: bad.reason for bad in data.skipped}
    assert sorted(reasons) == ["2", "3", "4", "5"] and reasons["5"] == "no such file"
    assert "truncated" in reasons["2"] and "empty" in reasons["3"] and "damaged" in reasons["4"]
    assert sorted(data.info()["skipped"]) == sorted([b.key, b.reason] for b in data.skipped)


def test_check_finds_damage_outside_the_middle(tmp_path, film):
    path = film(tmp_path / "val" / "a" / "x_000000_000001.avi", range(40))
    film(tmp_path / "val" / "a" / "y_000000_000001.avi", range(40))
    data = sets.open("kinetics400", tmp_path, "val", recipe=Recipe(2, (8, 8)))
    content = bytearray(path.read_bytes())
    content[-2200:-1200] = bytes(1000)
    path.write_bytes(content)
    data.frames(0, 0.0)  # the beginning is whole
    checked = data.check(progress=False, workers=2)
    assert [item.path.name for item in checked.items] == ["y_000000_000001.avi"]
    assert [bad.key for bad in checked.skipped] == ["val/a/x_000000_000001.avi"]
    assert len(data) == 2 and data.skipped == ()


def test_nothing_left(tmp_path):
    (tmp_path / "val" / "a").mkdir(parents=True)
    (tmp_path / "val" / "a" / "x_000000_000001.mp4").touch()
    with pytest.raises(ClipError, match="found no item that can be read of 1, first 'val/a/x_"):
        sets.open("kinetics400", tmp_path, "val", skip_bad=True)
